//! Rows of CSV (RFC 4180) that spreadsheets open without running anything.

/// What makes a spreadsheet take a cell for a formula, in wide forms too.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// Appends a row.
pub fn row<'a>(out: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let guard = if cell.starts_with(FORMULA) { "'" } else { "" };
        if cell.contains(['"', ',', '\r', '\n']) {
            out.extend(["\"", guard, &cell.replace('"', "\"\""), "\""]);
        } else {
            out.extend([guard, cell]);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_need_be_and_none_is_a_formula() {
        let mut out = String::new();
        row(&mut out, ["plain", "a \"b\", c", "two\nlines", ""]);
        row(
            &mut out,
            [
                "=1+1",
                "+34600",
                "-2",
                "@SUM(A1)",
                "\tx",
                "\rx",
                "=HYPERLINK(\"x\",1)",
                "＝1",
                "1-2",
            ],
        );
        assert_eq!(
            out,
            "plain,\"a \"\"b\"\", c\",\"two\nlines\",\r\n\
             '=1+1,'+34600,'-2,'@SUM(A1),'\tx,\"'\rx\",\"'=HYPERLINK(\"\"x\"\",1)\",'＝1,1-2\r\n"
        );
    }
}
