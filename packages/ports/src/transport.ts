/** A peer that answers this late after the time-out is still heard; then its connection is closed. */
export const LATE_ANSWER_MS = 2_000;
