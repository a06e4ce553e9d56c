//! A framework in one variant: what was decided, and how it warmed up.

use maud::{Markup, html};
use tiermark_model::format::framework::{Framework, Variant};

use super::parts::{address, entry_name, prose};
use super::{Report, chart};
use crate::analysis::EntryAnalysis;
use crate::show::charts::{Chart, ChartError};
use crate::show::numbers::plain;

pub(super) fn section(report: &Report<'_>, entry: &EntryAnalysis) -> Result<Markup, ChartError> {
    let planned = report
        .manifest
        .plan
        .entries
        .iter()
        .find(|planned| planned.id == entry.id);
    let framework = planned.map(|planned| &planned.framework);
    let variant = framework.and_then(|framework| framework.variant(&entry.id.variant));
    Ok(html! {
        section id=(format!("entry-{}-{}", entry.id.framework, entry.id.variant)) {
            h2 { (entry_name(entry)) }
            p {
                (plain(&entry.language)) ", " (plain(&entry.variant_title))
                @if let Some(version) = &entry.version { ", version " (plain(version)) }
            }
            @if let (Some(framework), Some(variant)) = (framework, variant) { (choices(report, framework, variant)) }
            (chart(report, &Chart::WarmUp(entry.id.clone()), "How its scenarios got faster over the warm-up of its last start")?)
        }
    })
}

/// What was decided and why.
fn choices(report: &Report<'_>, framework: &Framework, variant: &Variant) -> Markup {
    let folder = format!("containers/frameworks/{}", framework.name);
    html! {
        p {
            a href=(framework.homepage) rel="noreferrer" { "homepage" } " · "
            "source of this server: "
            @if let Some(sources) = report.sources { a href=(format!("{sources}{}", framework.name)) { (folder) } } @else { code { (folder) } }
        }
        dl.choices {
            @if !framework.documentation.is_empty() {
                dt { "reviewed against" }
                dd { @for (index, page) in framework.documentation.iter().enumerate() { @if index > 0 { ", " } a href=(page) rel="noreferrer" { (address(page)) } } }
            }
            dt { "data layer" } dd { (plain(&variant.data_layer.name)) " (" (variant.data_layer.kind.to_string()) "): " (prose(&variant.data_layer.reason)) }
            dt { "processes" } dd { (prose(&variant.workers.reason)) }
            dt { "database connections" } dd { (variant.pool.connections) ": " (prose(&variant.pool.reason)) }
            @for choice in &variant.choices { dt { (plain(&choice.what)) } dd { (plain(&choice.value)) ": " (prose(&choice.reason)) } }
            @for (name, value) in &variant.environment { dt { code { (name) } } dd { code { (plain(value)) } } }
            @for (what, reason) in &framework.unsupported { dt { "unsupported: " (what) } dd { (prose(reason)) } }
        }
    }
}
