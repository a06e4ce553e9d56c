//! Rules that a server can break, each with the scenario in which it must be caught, and by what words.

macro_rules! cheats {
    ($($name:ident: $scenario:literal, $words:literal;)*) => {
        /// One broken rule.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Cheat { $($name,)* }

        /// Every cheat, the scenario that must catch it, and what the failure must say.
        pub(crate) const CHEATS: &[(Cheat, &str, &str)] = &[$((Cheat::$name, $scenario, $words),)*];
    };
}

cheats! {
    // Of every answer.
    NoServerHeader: "plaintext", "header Server: expected, but it is missing";
    ServerHeaderTwice: "plaintext", "header Server: expected once, got 2 times";
    DateStandsStill: "plaintext", "header Date: expected one that moves within 3 s";
    Compresses: "plaintext", "header Content-Encoding: expected none, got `gzip`";
    ClosesEveryConnection: "plaintext", "keep-alive";
    KnowsEveryPath: "plaintext", "status: expected 404, got 200";
    WrongUnderLoad: "json", "256 answers to requests at once were wrong";
    // World.
    OutOfOrder: "db", "pipelined in turn with GET /plaintext";
    AlwaysTheSameRow: "db", "variation: expected at least 10 different answers";
    CountsIdsUp: "db", "random ids: expected";
    DrawsFromTheFirstRows: "db", "random ids: expected about";
    KeepsRows: "db", "statements that read `world`: expected 512";
    AsksButAnswersFromMemory: "db", "after all random numbers of the table were changed";
    FortyConnections: "db", "expected at most 32, got";
    MergesStatements: "queries", "statements that read `world`: expected 10240 (20 a request, 512 requests), got 512";
    AnswersAnyNumberOfRows: "queries", "queries=501: body: expected 500 rows, got 501";
    RefusesWordsForNumbers: "queries", "queries=foo: status: expected 200, got 400";
    OneRowWithoutAList: "queries", "expected a JSON array";
    WritesNothing: "updates", "rows written to `world`: expected 10240";
    WritesTheOldNumbers: "updates", "changed rows: expected more than 95%";
    WritesHalfOfTheRows: "updates", "rows written to `world`: expected 10240";
    AnswersOtherNumbers: "updates", "after the update: row";
    WritesAfterTheAnswer: "updates", "after the update: row";
    CachesNothing: "cached-queries", "cache: expected no statement on `cachedworld`";
    CachesAnotherTable: "cached-queries", "as the table holds it";
    // Fortunes.
    KeepsThePage: "fortunes", "after four fortunes were added to the table";
    ReadsTwelveFortunes: "fortunes", "after four fortunes were added to the table";
    SortsWithoutCase: "fortunes", "body: differs after";
    EscapesNothing: "fortunes", "unescaped";
    EscapesScriptsOnly: "fortunes", "<b>";
    // Orders.
    SortsLines: "orders", "body: differs";
    ListsTheOldestFirst: "orders", "ids, the newest first";
    ListsWithoutALimit: "orders", "ids, the newest first";
    ReadsLinesOneByOne: "orders", "statements on `orders` and `order_lines`";
    KeepsOrders: "orders", "after the order was changed in the database";
    StoresLinesApart: "orders", "transactions: expected one for the order and its lines";
    AnswersWhatWasSent: "orders", "the answer and the database";
    ReplacesNoLines: "orders", "body: differs";
    DeletesNothing: "orders", "1 order and 2 lines fewer, got 0 and 0";
    NamesNoLocation: "orders", "header Location: expected";
    StoresWhatItRefuses: "orders", "orders as before, got";
    NamesTheFirstFault: "orders", "faults: expected";
    TakesUnknownFields: "orders", "unknown";
    SearchesThePattern: "orders", "TEA-1\\\\n";
    CutsFractionsOff: "orders", "1.5";
    RefusesBrokenJsonAsInvalid: "orders", "status: expected 400, got 422";
    // The rest.
    CountsNItself: "cpu", "body: differs at /primes";
    RemembersPrimes: "cpu", "memory: expected the same work for every request";
    CountsToAnything: "cpu", "status: expected 400 or 422, got 200";
    InventsTheService: "upstream", "serial: expected";
    SharesOneCall: "upstream", "serials of 64 requests at once";
    CallsTwice: "upstream", "calls of the service: expected 1";
    EchoesBytesAsText: "ws", "256 bytes: expected bytes";
    EchoesTheFirstKibibyte: "ws", "a text of 64 KiB: expected text of 65536 bytes";
    ClosesWithoutAWord: "ws", "a close";
}
