//! Nothing is allocated a request: twenty times the requests make no more allocations than the seconds they take.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::alloc::System;
use std::time::Duration;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tiermark_load::null::{NullAnswer, NullServer};
use tiermark_load::{Ask, ExpectedAnswer, LoadSpec, Stop, drive};
use tiermark_model::load::{Closed, Load, Open, Request, Value};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations of a trial of so many requests.
fn allocations(server: &NullServer, load: Load, requests: u64) -> usize {
    let ask = |name: &str, path: &str| Ask {
        name: name.into(),
        weight: 1,
        request: Request {
            values: vec![Value {
                name: "id".into(),
                from: 1,
                to: 100_000,
            }],
            ..Request::get(path)
        },
        expect: ExpectedAnswer::body(200, "Hello, World!"),
    };
    let spec = LoadSpec {
        requests: vec![ask("one", "/one/{id}"), ask("two", "/two")],
        limit: Some(requests),
        ..LoadSpec::new(
            server.address(),
            Request::get("/"),
            ExpectedAnswer::status(200),
            load,
            Duration::from_secs(60),
        )
    };
    let region = Region::new(ALLOCATOR);
    let recording = drive(&spec, &Stop::new()).unwrap();
    assert_eq!(recording.outcomes.ok, requests, "{:?}", recording.outcomes);
    let change = region.change();
    change.allocations + change.reallocations
}

#[test]
fn requests_allocate_nothing() {
    let server = NullServer::start(NullAnswer::Small, None).unwrap();
    for load in [
        Load::Closed(Closed::of(8)),
        Load::Closed(Closed {
            pipeline: 16,
            ..Closed::of(8)
        }),
        Load::Open(Open::of(8, 20_000)),
    ] {
        let few = allocations(&server, load, 2_000);
        let many = allocations(&server, load, 40_000);
        // What is allocated is allocated once a trial, a connection, or a second.
        assert!(
            many < few + 2_000,
            "{load}: {few} allocations, and {many} for twenty times the requests"
        );
    }
}
