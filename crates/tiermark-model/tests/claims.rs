//! The committed claims: enough of them, and fit for what shows them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;

use tiermark_model::catalog::Catalog;
use tiermark_model::format::claim::{Claim, ClaimCheck, Test};

fn claims() -> Vec<Claim> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Catalog::read(&root).unwrap().claims
}

#[test]
fn every_checkable_statement_of_the_article_is_there() {
    let claims = claims();
    let count = |is: fn(&ClaimCheck) -> bool| claims.iter().filter(|claim| is(&claim.check)).count();
    assert!(
        count(|check| matches!(check, ClaimCheck::Test(_))) >= 30,
        "{} claims",
        claims.len()
    );
    assert!(count(|check| matches!(check, ClaimCheck::NotComparable { .. })) >= 10);
    assert!(count(|check| matches!(check, ClaimCheck::Untestable { .. })) >= 5);
}

#[test]
fn contradictions_go_both_ways() {
    let claims = claims();
    let linked: BTreeSet<(&str, &str)> = (claims.iter())
        .flat_map(|claim| {
            claim
                .contradicts
                .iter()
                .map(|other| (claim.name.as_str(), other.as_str()))
        })
        .collect();
    assert!(linked.len() >= 10, "{linked:?}");
    for (one, other) in &linked {
        assert!(linked.contains(&(*other, *one)), "{other} does not name {one}");
    }
}

/// A statement is paraphrased and has its place; no two say the same.
#[test]
fn each_has_a_sentence_of_its_own_and_a_place() {
    let claims = claims();
    let titles: BTreeSet<&str> = claims.iter().map(|claim| claim.title.as_str()).collect();
    assert_eq!(titles.len(), claims.len());
    for claim in &claims {
        assert!(
            claim.title.ends_with('.') && !claim.title.contains('\n'),
            "{}",
            claim.name
        );
        assert!(
            !claim.source.document.is_empty() && !claim.source.place.is_empty(),
            "{}",
            claim.name
        );
    }
}

/// The side-by-side table takes a framework's published tier from the one claim that gives it.
#[test]
fn no_framework_has_two_published_tiers() {
    let claims = claims();
    let tiers: Vec<&str> = (claims.iter())
        .filter_map(|claim| match &claim.check {
            ClaimCheck::Test(Test::Tier {
                entry, scenario: None, ..
            }) => Some(entry.as_str()),
            _ => None,
        })
        .collect();
    assert!(!tiers.is_empty());
    assert_eq!(tiers.iter().collect::<BTreeSet<_>>().len(), tiers.len(), "{tiers:?}");
}
