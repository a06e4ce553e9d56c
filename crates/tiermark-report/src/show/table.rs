//! What the text and the Markdown renderer share: a document is a list of blocks.

/// A part of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Block {
    /// The document's own heading.
    Title(String),
    /// A section's heading.
    Heading(String),
    /// Names and values.
    Facts(Vec<(&'static str, String)>),
    /// Sentences.
    Paragraph(String),
    /// Items of a list.
    List(Vec<String>),
    Table(Table),
}

/// A table whose rows may be grouped under a label.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Table {
    /// Name of what rows are grouped by; empty without groups.
    pub(crate) group_title: &'static str,
    pub(crate) columns: Vec<Column>,
    /// Number of first columns that are repeated if the table is too wide and continues below.
    pub(crate) repeated: usize,
    pub(crate) rows: Vec<TableRow>,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) title: String,
    /// Whether it contains numbers.
    pub(crate) right: bool,
    /// Whether it is left out if a line has no room for it.
    pub(crate) spare: bool,
}

/// A row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TableRow {
    /// The label of its group.
    pub(crate) group: String,
    /// Its cells, one for each column. Where there are fewer, the last runs over the columns that are left.
    pub(crate) cells: Vec<Text>,
}

impl TableRow {
    /// The cells of one column each, and the cell that spans the remaining columns.
    pub(crate) fn split(&self, columns: usize) -> (&[Text], Option<&Text>) {
        match self.cells.split_last() {
            Some((last, before)) if self.cells.len() < columns => (before, Some(last)),
            _ => (&self.cells, None),
        }
    }
}

/// The text of a cell, in one line or two.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Text {
    pub(crate) lines: Vec<String>,
    /// The meaning that colour may repeat.
    pub(crate) tone: Tone,
}

/// A second cue besides the words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// None.
    #[default]
    Plain,
    /// Near the reference.
    Good,
    /// Between.
    Middling,
    /// Far below the reference, or no number.
    Bad,
}

pub(crate) fn left(title: &str) -> Column {
    Column {
        title: title.to_owned(),
        right: false,
        spare: false,
    }
}

pub(crate) fn right(title: &str) -> Column {
    Column {
        title: title.to_owned(),
        right: true,
        spare: false,
    }
}

/// A column that is left out if a line has no room for it.
pub(crate) fn spare(title: &str) -> Column {
    Column {
        spare: true,
        ..left(title)
    }
}

impl From<String> for Text {
    fn from(line: String) -> Self {
        Self {
            lines: vec![line],
            tone: Tone::Plain,
        }
    }
}

impl From<&str> for Text {
    fn from(line: &str) -> Self {
        line.to_owned().into()
    }
}
