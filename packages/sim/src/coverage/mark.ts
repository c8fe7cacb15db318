/** Says that something of the catalogue was seen. */
export type Mark = (id: string) => void;
