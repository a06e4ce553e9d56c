//! Rules that a server can break, each with the scenario and the check that must catch it, and the words.

/// How a cheat is caught.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caught {
    pub(crate) cheat: Cheat,
    pub(crate) scenario: &'static str,
    /// The check's name; empty: what is asked of every request.
    pub(crate) check: &'static str,
    /// What the failure says.
    pub(crate) words: &'static str,
}

macro_rules! cheats {
    ($($name:ident: $scenario:literal, $check:literal, $words:literal;)*) => {
        /// One broken rule.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Cheat { $($name,)* }

        /// Every cheat.
        pub(crate) const CHEATS: &[Caught] = &[$(
            Caught { cheat: Cheat::$name, scenario: $scenario, check: $check, words: $words },
        )*];
    };
}

cheats! {
    // Of every answer.
    NoServerHeader: "plaintext", "", "header Server: expected, but it is missing";
    ServerHeaderTwice: "plaintext", "", "header Server: expected once, got 2 times";
    DateStandsStill: "plaintext", "", "header Date: expected one that moves within 3 s";
    Compresses: "plaintext", "", "header Content-Encoding: expected none, got `gzip`";
    ClosesEveryConnection: "plaintext", "", "keep-alive";
    KnowsEveryPath: "plaintext", "unknown_path", "status: expected 404, got 200";
    WrongUnderLoad: "json", "", "answers to requests at once were wrong";
    // World.
    OutOfOrder: "db", "pipelined_with", "pipelined in turn with GET /plaintext";
    AlwaysTheSameRow: "db", "", "variation: expected at least 10 different answers";
    CountsIdsUp: "db", "fresh_rows", "random ids: expected";
    DrawsFromTheFirstRows: "db", "fresh_rows", "random ids: expected about";
    KeepsRows: "db", "statements", "statements that read `world`: expected 512";
    AsksButAnswersFromMemory: "db", "fresh_rows", "after all random numbers of the table were changed";
    FortyConnections: "db", "statements", "expected at most 32, got";
    MergesStatements: "queries", "statements", "statements that read `world`: expected 10240 (20 a request, 512 requests), got 512";
    AnswersAnyNumberOfRows: "queries", "row_counts", "queries=501: body: expected 500 rows, got 501";
    RefusesWordsForNumbers: "queries", "row_counts", "queries=foo: status: expected 200, got 400";
    OneRowWithoutAList: "queries", "row_counts", "expected a JSON array";
    WritesNothing: "updates", "statements", "rows written to `world`: expected 10240";
    WritesTheOldNumbers: "updates", "stored_updates", "changed rows: expected more than 95%";
    WritesHalfOfTheRows: "updates", "statements", "rows written to `world`: expected 10240";
    AnswersOtherNumbers: "updates", "stored_updates", "after the update: row";
    // What it wrote too late is seen in the row that was asked for, or, if earlier answers were written late too, in others.
    WritesAfterTheAnswer: "updates", "stored_updates", " row";
    CachesNothing: "cached-queries", "filled_cache", "cache: expected no statement on `cachedworld`";
    CachesAnotherTable: "cached-queries", "filled_cache", "as the table holds it";
    // Fortunes.
    KeepsThePage: "fortunes", "fresh_fortunes", "after four fortunes were added to the table";
    ReadsTwelveFortunes: "fortunes", "fresh_fortunes", "after four fortunes were added to the table";
    SortsWithoutCase: "fortunes", "fresh_fortunes", "body: differs after";
    EscapesNothing: "fortunes", "", "unescaped";
    EscapesScriptsOnly: "fortunes", "fresh_fortunes", "<b>";
    // Orders.
    SortsLines: "orders", "orders", "body: differs";
    ListsTheOldestFirst: "orders", "orders", "ids, the newest first";
    ListsWithoutALimit: "orders", "orders", "ids, the newest first";
    ReadsLinesOneByOne: "orders", "orders", "statements on `orders` and `order_lines`";
    KeepsOrders: "orders", "orders", "after the order was changed in the database";
    StoresLinesApart: "orders", "orders", "transactions: expected one for the order and its lines";
    AnswersWhatWasSent: "orders", "orders", "the answer and the database";
    ReplacesNoLines: "orders", "orders", "body: differs";
    DeletesNothing: "orders", "orders", "1 order and 2 lines fewer, got 0 and 0";
    NamesNoLocation: "orders", "orders", "header Location: expected";
    StoresWhatItRefuses: "orders", "order_faults", "orders as before, got";
    NamesTheFirstFault: "orders", "order_faults", "faults: expected";
    TakesUnknownFields: "orders", "order_faults", "unknown";
    SearchesThePattern: "orders", "order_faults", "TEA-1\\\\n";
    CutsFractionsOff: "orders", "order_faults", "1.5";
    RefusesBrokenJsonAsInvalid: "orders", "order_faults", "status: expected 400, got 422";
    // The rest.
    CountsNItself: "cpu", "primes", "body: differs at /primes";
    RemembersPrimes: "cpu", "primes", "memory: expected the same work for every request";
    CountsToAnything: "cpu", "primes", "status: expected 400 or 422, got 200";
    InventsTheService: "upstream", "upstream", "serial: expected";
    SharesOneCall: "upstream", "upstream", "serials of 64 requests at once";
    CallsTwice: "upstream", "upstream", "calls of the service: expected 1";
    EchoesBytesAsText: "ws", "websocket", "256 bytes: expected bytes";
    EchoesTheFirstKibibyte: "ws", "websocket", "a text of 64 KiB: expected text of 65536 bytes";
    ClosesWithoutAWord: "ws", "websocket", "a close";
}
