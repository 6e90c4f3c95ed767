//! Card numbers, e-mail addresses and telephone numbers taken out of what people said, before it is kept.
//!
//! Found as they are written, in any script with decimal digits of its own. What is spelled out ("ana at example dot
//! com", "seis cero cero …", digits between commas) is not found. A number that may be a telephone number or not is
//! taken out: a `[phone]` too many costs less than somebody's number in a database.

use std::borrow::Cow;
use std::str::FromStr;

/// What is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    pub cards: bool,
    pub emails: bool,
    pub phones: bool,
}

impl Kinds {
    /// Everything stays as it was said.
    pub const NONE: Self = Self {
        cards: false,
        emails: false,
        phones: false,
    };
}

impl Default for Kinds {
    /// Everything that can be found.
    fn default() -> Self {
        Self {
            cards: true,
            emails: true,
            phones: true,
        }
    }
}

impl FromStr for Kinds {
    type Err = String;

    /// Reads a setting such as `cards,emails,phones`, or `off`.
    fn from_str(setting: &str) -> Result<Self, String> {
        let mut kinds = Self::NONE;
        if setting.trim() == "off" {
            return Ok(kinds);
        }
        for name in setting.split(',').map(str::trim) {
            match name {
                "cards" => kinds.cards = true,
                "emails" => kinds.emails = true,
                "phones" => kinds.phones = true,
                _ => return Err(format!("{name:?} is not cards, emails, phones or off")),
            }
        }
        Ok(kinds)
    }
}

/// Puts `[card]`, `[email]` and `[phone]` in the place of what `kinds` names; the rest stays byte for byte. Takes time
/// in proportion to the text, and finds nothing in a text that it has been through.
///
/// - A card number has 13 to 19 digits: in one piece, in groups of four (the last may be shorter), as 4-6-5 or 4-6-4,
///   or in any groups if its check digit is right. Elsewhere the check digit is not asked for, since a transcript
///   mishears digits. One space, dash or dot stands between groups.
/// - A telephone number has 7 to 15 digits, not counting a leading `00`, and may have a `+`, slashes and parentheses.
///   Right after a Latin letter (`AB1234567`) it is taken for a reference, and kept.
/// - Dates, times, years, amounts (`1,234,567.00`, `1.234.567,00`) and ranges of them are kept; but three or more
///   groups of three with dots (`600.123.456`) are a telephone number, and so is an undivided amount (`5000000`).
/// - An e-mail address is `local@domain.tld` in letters of any script. Each part keeps to Latin or to other letters, so
///   that it does not swallow words where these are written without spaces.
pub fn redact(text: &str, kinds: Kinds) -> Cow<'_, str> {
    let addresses = if kinds.emails { emails(text) } else { Vec::new() };
    let text = replaced(Cow::Borrowed(text), &addresses);
    let numbers = numbers(&text, kinds);
    replaced(text, &numbers)
}

/// From where to where something was found, and what is put in its place.
type Spot = (usize, usize, &'static str);

fn replaced<'a>(text: Cow<'a, str>, spots: &[Spot]) -> Cow<'a, str> {
    if spots.is_empty() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end, word) in spots {
        out.extend([&text[done..*start], word]);
        done = *end;
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// A sign as ASCII writes it, where other scripts and typography have their own.
fn ascii(c: char) -> char {
    match c {
        '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' | '\u{3000}' => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' => '-',
        '\u{66b}' => '.',
        '\u{66c}' => ',',
        '\u{2019}' => '\'',
        // The wide forms stand in ASCII's order.
        '\u{ff01}'..='\u{ff20}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Where the common decimal digits begin, script by script; each has ten in a row.
const ZEROS: [u32; 24] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x19d0, 0xa8d0, 0xa9d0, 0xff10,
];

fn digit(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    Some(code - zero).filter(|digit| *digit < 10)
}

fn latin(c: char) -> bool {
    let wide = matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{ff21}'..='\u{ff5a}');
    c.is_ascii_alphabetic() || wide && c.is_alphabetic()
}

fn emails(text: &str) -> Vec<Spot> {
    let mut spots: Vec<Spot> = Vec::new();
    for (at, sign) in text.char_indices().filter(|(_, c)| ascii(*c) == '@') {
        let from = spots.last().map_or(0, |(_, end, _)| *end);
        let after = at + sign.len_utf8();
        let local = name(text[from..at].char_indices().rev(), "._%+-");
        if let (Some((local, _)), Some(domain)) = (local, domain(&text[after..])) {
            spots.push((from + local, after + domain, "[email]"));
        }
    }
    spots
}

/// The last letter or digit of the name that begins with these characters: letters of one kind, digits, `inner` signs.
fn name(chars: impl Iterator<Item = (usize, char)>, inner: &str) -> Option<(usize, char)> {
    let mut last = None;
    let mut kind = None;
    for (at, c) in chars {
        let accent = matches!(c, '\u{300}'..='\u{36f}');
        if c.is_alphabetic() && *kind.get_or_insert(latin(c)) != latin(c) {
            break;
        } else if c.is_alphanumeric() {
            last = Some((at, c));
        } else if !accent && !inner.contains(ascii(c)) {
            break;
        }
    }
    last
}

/// Where the domain ends that `text` begins with.
fn domain(text: &str) -> Option<usize> {
    let (mut from, mut end) = (0, None);
    while let Some((last, c)) = name(text[from..].char_indices(), "-") {
        let after = from + last + c.len_utf8();
        // A top level has two letters or more.
        if from > 0 && last > 0 && text[from..].starts_with(char::is_alphabetic) {
            end = Some(after);
        }
        match text[after..].chars().next() {
            Some(dot) if ascii(dot) == '.' => from = after + dot.len_utf8(),
            _ => break,
        }
    }
    end
}

/// Digits in a row.
struct Group {
    start: usize,
    end: usize,
    digits: usize,
    /// Of no use beyond nine digits.
    value: u32,
    /// The one sign between this and the group before; `~`: a dash or slash in spaces; a parenthesis, even with a sign
    /// or space outside it; `\0`: all else.
    gap: char,
    /// Part of a date, a time or an amount.
    figure: bool,
}

fn gap(text: &str) -> char {
    let mut signs = text.chars().map(ascii);
    match [signs.next(), signs.next(), signs.next(), signs.next()] {
        [Some(sign), None, ..] => sign,
        [Some(' '), Some('-' | '/'), Some(' '), None] => '~',
        [Some(' ' | '-' | '.' | '/'), Some('('), None, _] => '(',
        [Some(')'), Some(' ' | '-' | '.' | '/'), None, _] => ')',
        _ => '\0',
    }
}

fn groups(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (start, c) in text.char_indices() {
        let Some(value) = digit(c) else { continue };
        let end = start + c.len_utf8();
        match groups.last_mut() {
            Some(last) if last.end == start => {
                last.value = last.value.wrapping_mul(10).wrapping_add(value);
                last.digits += 1;
                last.end = end;
            }
            last => {
                let gap = last.map_or('\0', |last| gap(&text[last.end..start]));
                groups.push(Group {
                    start,
                    end,
                    digits: 1,
                    value,
                    gap,
                    figure: false,
                });
            }
        }
    }
    groups
}

fn numbers(text: &str, kinds: Kinds) -> Vec<Spot> {
    let mut finder = Finder {
        text,
        kinds,
        spots: Vec::new(),
    };
    let mut groups = groups(text);
    for chunk in groups.chunk_by_mut(|_, next| "-./,:'".contains(next.gap)) {
        let figure = is_figure(chunk) || chunk.chunk_by(|_, next| next.gap != '-').all(is_figure);
        chunk.iter_mut().for_each(|group| group.figure = figure);
    }
    let runs = groups.chunk_by(|one, next| !one.figure && !next.figure && " -./~()".contains(next.gap));
    runs.filter(|run| !run[0].figure).for_each(|run| finder.run(run));
    finder.spots
}

fn is_figure(chunk: &[Group]) -> bool {
    is_date(chunk) || is_time(chunk) || is_amount(chunk)
}

fn is_date(chunk: &[Group]) -> bool {
    let [a, b, c] = chunk else { return false };
    let year = |group: &Group| group.digits == 4 && (1300..2700).contains(&group.value);
    let day_and_month = |a: &Group, b: &Group| {
        let (low, high) = (a.value.min(b.value), a.value.max(b.value));
        a.digits <= 2 && b.digits <= 2 && (1..=12).contains(&low) && high <= 31
    };
    let dated = year(a) && day_and_month(b, c) || day_and_month(a, b) && (year(c) || c.digits == 2);
    dated && b.gap == c.gap && "-./".contains(b.gap)
}

fn is_time(chunk: &[Group]) -> bool {
    let [hour, rest @ ..] = chunk else { return false };
    let sixtieths = |group: &Group| group.gap == ':' && group.digits == 2 && group.value < 60;
    hour.digits <= 2 && hour.value <= 24 && matches!(rest.len(), 1 | 2) && rest.iter().all(sixtieths)
}

/// What has more digits without separators, or more groups of three after the first, is the number of something.
const PLAIN_AMOUNT_MAX: usize = 7;
const THOUSANDS_MAX: usize = 3;

/// `1,234,567.00`, `1.234.567,00`, `1'234'567`, `1234567.00`.
fn is_amount(chunk: &[Group]) -> bool {
    let (whole, cents) = match chunk {
        [whole @ .., last] if last.digits <= 2 && ".,".contains(last.gap) => (whole, last.gap),
        _ => (chunk, '\0'),
    };
    let [first, rest @ ..] = whole else { return false };
    let Some(mark) = rest.first().map(|group| group.gap) else {
        return cents != '\0' && first.digits <= PLAIN_AMOUNT_MAX;
    };
    let thousands = rest.iter().all(|group| group.gap == mark && group.digits == 3);
    let phone = mark == '.' && cents == '\0' && first.digits == 3 && rest.len() > 1;
    let sized = first.digits <= 3 && rest.len() <= THOUSANDS_MAX;
    ",.'".contains(mark) && mark != cents && thousands && sized && !phone
}

/// A number shorter than this is an order's or a house's.
const PHONE_MIN: usize = 7;
const PHONE_MAX: usize = 15;
const CARD_MIN: usize = 13;
const CARD_MAX: usize = 19;

/// Finds cards and telephone numbers in groups that hang together.
///
/// Whether a row of groups is a number depends on them and on a letter, plus or parenthesis before them, never on what
/// might become a placeholder. So a second pass finds nothing that the first has left.
struct Finder<'a> {
    text: &'a str,
    kinds: Kinds,
    spots: Vec<Spot>,
}

impl Finder<'_> {
    /// Cards that show by their shape come first, lest a number before them take their first groups.
    fn run(&mut self, run: &[Group]) {
        let mut from = 0;
        for at in 0..run.len() {
            let card = self.card(&run[at..], has_card_shape);
            if let Some(count) = card.filter(|_| at >= from) {
                self.rest(&run[from..at]);
                from = at + count;
                self.found(run[at].start, &run[at..from], "[card]");
            }
        }
        self.rest(&run[from..]);
    }

    fn rest(&mut self, mut run: &[Group]) {
        while let Some(first) = run.first() {
            let phone = longest(run, PHONE_MAX + 2, |row| self.phone(row).is_some());
            // By chance two telephone numbers may check as a card, but hardly to the last digit.
            let card = self.card(run, |row| self.prefix(row).is_none() && self.checks(row));
            let card = card.filter(|count| phone.is_none() || *count == run.len());
            let count = card.or(phone).unwrap_or(1);
            let (row, left) = run.split_at(count);
            if card.is_some() {
                self.found(first.start, row, "[card]");
            } else if let Some(start) = self.phone(row) {
                self.found(start, row, "[phone]");
            }
            run = left;
        }
    }

    fn found(&mut self, start: usize, row: &[Group], word: &'static str) {
        self.spots.push((start, row[row.len() - 1].end, word));
    }

    fn card(&self, groups: &[Group], is_card: impl Fn(&[Group]) -> bool) -> Option<usize> {
        let fits = |row: &[Group]| {
            let gaps = row[1..].iter().all(|group| " -.".contains(group.gap));
            // Up to 15 digits, `+` and `00` tell a telephone number.
            let phone = digits(row) <= PHONE_MAX && self.prefix(row).is_some();
            digits(row) >= CARD_MIN && gaps && !phone && !years(row) && is_card(row)
        };
        self.kinds.cards.then(|| longest(groups, CARD_MAX, fits))?
    }

    /// Whether the check digit is right.
    fn checks(&self, row: &[Group]) -> bool {
        let text = &self.text[row[0].start..row[row.len() - 1].end];
        let (mut sum, mut weight) = (0, 1);
        for digit in text.chars().rev().filter_map(digit) {
            sum += digit * weight / 10 + digit * weight % 10;
            weight = 3 - weight;
        }
        sum % 10 == 0
    }

    /// The digits to be left out of the count if this begins as an international number does.
    fn prefix(&self, row: &[Group]) -> Option<usize> {
        let (before, from) = self.text.split_at(row[0].start);
        let zeros = from.chars().take(2).filter(|c| digit(*c) == Some(0)).count();
        let plus = before.ends_with(|c| ascii(c) == '+').then_some(0);
        Some(zeros).filter(|zeros| *zeros == 2).or(plus)
    }

    /// Where the telephone number begins that these groups make, if they do.
    fn phone(&self, row: &[Group]) -> Option<usize> {
        let digits = digits(row) - self.prefix(row).unwrap_or(0);
        let fits = (PHONE_MIN..=PHONE_MAX).contains(&digits) && self.kinds.phones && !years(row);
        let before = Some(&self.text[..row[0].start]).filter(|before| fits && !before.ends_with(latin))?;
        let mut start = before.strip_suffix(|c| ascii(c) == '+').unwrap_or(before);
        let mut open = false;
        for group in &row[1..] {
            match group.gap {
                '(' if !open => open = true,
                ')' if open => open = false,
                // The number began with the parenthesis that ends here.
                ')' => start = start.strip_suffix(|c| ascii(c) == '(')?,
                '(' => return None,
                _ => {}
            }
        }
        (!open).then_some(start.len())
    }
}

/// How many groups make the longest number that `fits`, of so many digits at most; sooner one that leaves no remainder
/// too short to be found.
fn longest(groups: &[Group], most: usize, fits: impl Fn(&[Group]) -> bool) -> Option<usize> {
    let mut best = None;
    for count in 1..=groups.len().min(most) {
        let (row, left) = groups.split_at(count);
        if digits(row) <= most && fits(row) {
            let clean = left.is_empty() || digits(&left[..left.len().min(PHONE_MIN)]) >= PHONE_MIN;
            best = best.max(Some((clean, count)));
        }
    }
    best.map(|(_, count)| count)
}

fn digits(row: &[Group]) -> usize {
    row.iter().map(|group| group.digits).sum()
}

fn has_card_shape(row: &[Group]) -> bool {
    match row {
        [_] => true,
        [a, b, c] if (a.digits, b.digits) == (4, 6) => matches!(c.digits, 4 | 5),
        [fours @ .., last] => last.digits <= 4 && fours.iter().all(|group| group.digits == 4),
        [] => false,
    }
}

/// "2024-2025" is no telephone number, nor "2021 2022 2023 2024" a card.
fn years(row: &[Group]) -> bool {
    let year = |group: &Group| group.digits == 4 && (1900..2100).contains(&group.value);
    row.iter().all(year)
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
