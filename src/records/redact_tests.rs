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
