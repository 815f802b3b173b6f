/** Where a row stands, for people. */
export interface RowPlace {
  readonly path: string;
  /** Such as `line 12`. */
  readonly at: string;
}

/** A row of a file of labelled examples. */
export interface Row {
  readonly place: RowPlace;
  /** By the names of the columns, as the format has them. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Why it cannot be used, and how to fix it. */
  readonly problem?: string;
}

/** A file of rows, which is read anew each time. */
export interface RowSource {
  readonly path: string;
  readonly rows: () => AsyncIterable<Row>;
}
