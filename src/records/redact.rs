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
mod tests {
    use super::*;

    const KEPT: &str = "Order 123456 | el pedido 98765, de 2024-2025 | 2026-11-21 | 21.11.2026 | 21/11/2026-25/11/2026 |
        12/31/2026 at 10:30 | 10:30-11:45 | ٢٠٢٦-١١-٢١ | 2021 2022 2023 2024 | it was 1,234,567.00 dollars | 1.234.567,00 € |
        12.345.678 | 1 234 567,00 | 12,34,567 | 1'234'567 | 1234567.50 | flight AB1234567 | 12345678901234567890123 | ana@home.x";

    const TAKEN: &str = "My card is 4111 1111 1111 1111, thanks. > My card is [card], thanks.
        Mi tarjeta es la 4111-1111-1111-1112. > Mi tarjeta es la [card]. | 4111111111111112 > [card]
        4111.1111.1111.1111 12/27 123 > [card] [phone] | 2 3782 822463 10005 > 2 [card] | 41 11 11 11 11 11 11 11 > [card]
        4111\u{a0}1111\u{a0}1111\u{a0}1111 > [card] | 5491123456789 > [card] | 0034600123456 > [phone]
        Call me at (555) 123-4567! > Call me at [phone]! | (call 555 123 4567) > (call [phone]) | 1 (800) 555-1234 > [phone]
        Mi número es el +34 600 123 456. > Mi número es el [phone]. | 600123456 (2 veces) > [phone] (2 veces)
        (+34) 600.123.456 > [phone] | +5491123456789 > [phone] | +49 (0)30/123456 > [phone] | 555 - 123 - 4567 > [phone]
        600 123 456 600 654 321 > [phone] [phone] | 5551234567,5559876543 > [phone],[phone] | 600.123.456 > [phone]
        El 21/11/2026 a las 10:30 600123456 > El 21/11/2026 a las 10:30 [phone] | 1234567th > [phone]th
        رقمي ٠٥٠١٢٣٤٥٦٧ شكرا > رقمي [phone] شكرا | ٤١١١ ١١١١ ١١١١ ١١١١ > [card] | नंबर ९८७६५४३२१० है > नंबर [phone] है
        ５５５－１２３－４５６７ > [phone] | 电话13800138000谢谢 > 电话[phone]谢谢 | a@b@c.de > a@[email] | a@b.co.12 > [email].12
        Write to ana.perez+x@example.co.uk. > Write to [email]. | Es josé@correo.es, ¿no? > Es [email], ¿no?
        почта иван@почта.рф! > почта [email]! | 我的邮箱是foo1@bar.com谢谢 > 我的邮箱是[email]谢谢 | jose\u{301}@例え.jp > [email]
        12-11.2026 > [phone] | 11-12-123456 > [phone] | 1.234.567.89 > [phone] | 00 123 456 789 012 345 > [phone]
        1234 5678 123456789 > [phone] [phone] | 600 123 456 600 653 321 > [phone] [phone]
        ana5551234567@x.com > [email] | user＠example．com > [email]";

    #[test]
    fn numbers_and_addresses_are_taken_out_and_nothing_else() {
        let all = |text| redact(text, Kinds::default());
        for text in KEPT.split('|').map(str::trim) {
            assert!(matches!(all(text), Cow::Borrowed(same) if same == text), "{text}");
        }
        for case in TAKEN.split(['|', '\n']) {
            let (text, left) = case.trim().split_once(" > ").unwrap();
            assert_eq!(all(text), left, "{text}");
            assert_eq!(redact(text, Kinds::NONE), text);
        }
    }

    #[test]
    fn only_the_kinds_that_were_named() {
        const TEXT: &str = "a@b.de 4111111111111111, 600123456";
        let taken = |set: &str| redact(TEXT, set.parse().unwrap());
        assert_eq!(taken("cards"), "a@b.de [card], 600123456");
        assert_eq!(taken(" emails , phones"), "[email] 4111111111111111, [phone]");
        assert_eq!(taken("off"), TEXT);
        assert_eq!("cards,emails,phones".parse(), Ok(Kinds::default()));
        for wrong in ["", "names", "cards,off", "Cards"] {
            let why = wrong.parse::<Kinds>().unwrap_err();
            assert!(why.ends_with("is not cards, emails, phones or off"), "{why}");
        }
    }

    #[test]
    fn any_text_comes_through_and_a_second_time_changes_nothing() {
        const PARTS: &str = "0 1 00 12 2026 600 123 4111 5551234567 4111111111111111 - . / , : ( ) + @ _ a ñ я 谢 ٣ ９ \u{301} [ \
            x.com a@b.de 2026-11-21 10:30 1,234.00 😀 \u{10ffff}";
        let parts: Vec<_> = PARTS.split(' ').chain([" ", " ", "\u{a0}", " - "]).collect();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut chance = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize % below
        };
        let sets = "cards,emails,phones cards,emails cards emails,phones phones";
        let sets: Vec<_> = sets.split(' ').collect();
        for _ in 0..20_000 {
            let text: String = (0..chance(24)).map(|_| parts[chance(parts.len())]).collect();
            let kinds = sets[chance(sets.len())].parse().unwrap();
            let once = redact(&text, kinds);
            assert_eq!(redact(&once, kinds), once, "{text:?}");
            let words = ["[card]", "[email]", "[phone]"].iter();
            let kept = words.fold(once.into_owned(), |text, word| text.replace(word, "\n"));
            let mut rest = &*text;
            for piece in kept.split('\n') {
                rest = rest.split_once(piece).unwrap().1;
            }
        }
    }
}
