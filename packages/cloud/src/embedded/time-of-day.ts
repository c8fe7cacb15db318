/** The time of day for people, with its zone: `14:26:03Z`. Several lines of it in one place tell a story. */
export function timeOfDay(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(11, 19)}Z`;
}
