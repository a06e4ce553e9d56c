/** How long a request waits for a connection, be it a new one or a turn of one that is in use. */
export const CONNECT_WITHIN_MS = 30_000;

/** The way to the database, whatever the data layer. */
export abstract class DatabaseConnection {
  /** Resolves once statements can be sent; rejects where the database does not answer. */
  abstract ready(): Promise<void> | void;
}
