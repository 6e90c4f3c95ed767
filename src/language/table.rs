//! The rows of the table, one line each, the most asked for first, then by where they are spoken.
//!
//! Voices and their language attributes are those of Twilio's SDK lists (npm twilio 6.2.0, `SayVoice`, `SayLanguage`). A
//! Google voice names its locale; which locale a Polly voice speaks is Amazon's table (Amazon Polly docs, "Available
//! voices"). Basque, Galician and Lithuanian have Google voices but no language attribute in those lists: no voice here.
//!
//! What the translation endpoint speaks and understands is OpenAI's list (OpenAI cookbook, realtime translation).
//! The aliases are the codes of ISO 639, other English names, and native names without their accents.

use super::{Language, Say};
use crate::phrase;

macro_rules! languages {
    ($($slug:literal $name:literal $native:literal $tag:literal $say:expr, $sentences:ident, $endpoint:expr, $aliases:expr;)*) => {
        /// Every language that a party can speak, English first.
        pub static LANGUAGES: &[Language] = &[$(Language {
            slug: $slug, name: $name, native: $native, tag: $tag, say: $say, sentences: &phrase::$sentences,
            translate: $endpoint.target, understood: $endpoint.source, aliases: &$aliases,
        }),*];
    };
}

/// What OpenAI's translation endpoint can do in a language.
struct Endpoint {
    target: Option<&'static str>,
    source: bool,
}

/// It is understood there, and no more.
const HEARD: Endpoint = Endpoint {
    target: None,
    source: true,
};
/// It is in neither of the two lists.
const UNLISTED: Endpoint = Endpoint {
    target: None,
    source: false,
};

/// It is spoken there under this code, and understood.
const fn spoken(code: &'static str) -> Endpoint {
    Endpoint {
        target: Some(code),
        source: true,
    }
}

const fn say(language: &'static str, voice: &'static str) -> Option<Say> {
    Some(Say { language, voice })
}

#[rustfmt::skip]
languages! {
    // The most asked for.
    "english"     "English"          "English"           "en-US"  say("en-US", "Polly.Joanna-Neural"),             ENGLISH,     spoken("en"), ["eng", "american english", "british english", "inglés", "ingles", "anglais"];
    "spanish"     "Spanish"          "Español"           "es-US"  say("es-US", "Polly.Lupe-Neural"),               SPANISH,     spoken("es"), ["espanol", "spa", "castellano", "castilian", "latin american spanish"];
    "french"      "French"           "Français"          "fr-FR"  say("fr-FR", "Polly.Lea-Neural"),                FRENCH,      spoken("fr"), ["francais", "fra", "fre"];
    "mandarin"    "Mandarin Chinese" "中文"              "zh-CN"  say("cmn-CN", "Polly.Zhiyu-Neural"),             MANDARIN,    spoken("zh"), ["chinese", "zho", "chi", "cmn", "cmn-cn", "cmn-hans-cn", "zh-tw", "zh-sg", "cmn-tw", "cmn-hant-tw", "zh-hans", "zh-hant", "simplified chinese", "traditional chinese", "putonghua", "guoyu", "普通话", "普通話", "国语", "國語", "汉语", "漢語", "华语", "華語"];
    "hindi"       "Hindi"            "हिन्दी"               "hi-IN"  say("hi-IN", "Polly.Kajal-Neural"),              HINDI,       spoken("hi"), ["hin", "हिंदी"];
    "portuguese"  "Portuguese"       "Português"         "pt-BR"  say("pt-BR", "Polly.Camila-Neural"),             PORTUGUESE,  spoken("pt"), ["portugues", "por", "pt-pt", "brazilian", "brazilian portuguese", "european portuguese"];
    "german"      "German"           "Deutsch"           "de-DE"  say("de-DE", "Polly.Vicki-Neural"),              GERMAN,      spoken("de"), ["deu", "ger"];
    "italian"     "Italian"          "Italiano"          "it-IT"  say("it-IT", "Polly.Bianca-Neural"),             ITALIAN,     spoken("it"), ["ita"];
    "japanese"    "Japanese"         "日本語"            "ja-JP"  say("ja-JP", "Polly.Takumi-Neural"),             JAPANESE,    spoken("ja"), ["jpn", "nihongo"];
    "korean"      "Korean"           "한국어"            "ko-KR"  say("ko-KR", "Polly.Seoyeon-Neural"),            KOREAN,      spoken("ko"), ["kor", "hangugeo"];
    "arabic"      "Arabic"           "العربية"           "ar-AE"  say("ar-AE", "Polly.Hala-Neural"),               ARABIC,      HEARD,        ["ara", "arb", "ar-xa", "عربي", "عربية"];
    "vietnamese"  "Vietnamese"       "Tiếng Việt"        "vi-VN"  say("vi-VN", "Google.vi-VN-Chirp3-HD-Aoede"),    VIETNAMESE,  spoken("vi"), ["vie", "tieng viet"];
    "russian"     "Russian"          "Русский"           "ru-RU"  say("ru-RU", "Polly.Tatyana"),                   RUSSIAN,     spoken("ru"), ["rus", "russkiy"];
    "polish"      "Polish"           "Polski"            "pl-PL"  say("pl-PL", "Polly.Ola-Neural"),                POLISH,      HEARD,        ["pol"];
    "cantonese"   "Cantonese"        "粵語"              "yue-HK" say("yue-HK", "Google.yue-HK-Standard-A"),       CANTONESE,   UNLISTED,     ["zh-hk", "zh-mo", "zh-yue", "zh-hant-hk", "yue-hant-hk", "廣東話", "广东话", "粤语"];
    "tagalog"     "Tagalog"          "Tagalog"           "fil-PH" say("fil-PH", "Google.fil-PH-Standard-A"),       TAGALOG,     HEARD,        ["filipino", "pilipino", "tl", "tl-ph", "tgl"];
    "ukrainian"   "Ukrainian"        "Українська"        "uk-UA"  say("uk-UA", "Google.uk-UA-Wavenet-A"),          UKRAINIAN,   HEARD,        ["ukr"];
    // Europe.
    "dutch"       "Dutch"            "Nederlands"        "nl-NL"  say("nl-NL", "Polly.Laura-Neural"),              DUTCH,       HEARD,        ["nld", "dut", "flemish", "vlaams"];
    "swedish"     "Swedish"          "Svenska"           "sv-SE"  say("sv-SE", "Polly.Elin-Neural"),               SWEDISH,     HEARD,        ["swe"];
    "danish"      "Danish"           "Dansk"             "da-DK"  say("da-DK", "Polly.Sofie-Neural"),              DANISH,      HEARD,        ["dan"];
    "norwegian"   "Norwegian"        "Norsk"             "nb-NO"  say("nb-NO", "Polly.Ida-Neural"),                NORWEGIAN,   HEARD,        ["no", "nn", "nor", "nob", "nno", "no-no", "nn-no", "bokmål", "bokmal", "norsk bokmål", "nynorsk", "norsk nynorsk", "norwegian bokmål", "norwegian nynorsk"];
    "finnish"     "Finnish"          "Suomi"             "fi-FI"  say("fi-FI", "Polly.Suvi-Neural"),               FINNISH,     HEARD,        ["fin"];
    "icelandic"   "Icelandic"        "Íslenska"          "is-IS"  say("is-IS", "Polly.Dora"),                      ICELANDIC,   UNLISTED,     ["isl", "ice", "islenska"];
    "greek"       "Greek"            "Ελληνικά"          "el-GR"  say("el-GR", "Google.el-GR-Wavenet-B"),          GREEK,       HEARD,        ["ell", "gre", "modern greek", "ellinika"];
    "czech"       "Czech"            "Čeština"           "cs-CZ"  say("cs-CZ", "Google.cs-CZ-Wavenet-B"),          CZECH,       HEARD,        ["ces", "cze", "cestina"];
    "slovak"      "Slovak"           "Slovenčina"        "sk-SK"  say("sk-SK", "Google.sk-SK-Wavenet-B"),          SLOVAK,      HEARD,        ["slk", "slo", "slovencina"];
    "slovenian"   "Slovenian"        "Slovenščina"       "sl-SI"  None,                                            ENGLISH,     HEARD,        ["slv", "slovene", "slovenscina"];
    "romanian"    "Romanian"         "Română"            "ro-RO"  say("ro-RO", "Google.ro-RO-Wavenet-B"),          ROMANIAN,    HEARD,        ["ron", "rum", "mo", "mol", "romana", "moldovan", "moldavian"];
    "hungarian"   "Hungarian"        "Magyar"            "hu-HU"  say("hu-HU", "Google.hu-HU-Standard-B"),         HUNGARIAN,   HEARD,        ["hun"];
    "bulgarian"   "Bulgarian"        "Български"         "bg-BG"  say("bg-BG", "Google.bg-BG-Standard-B"),         BULGARIAN,   HEARD,        ["bul"];
    "macedonian"  "Macedonian"       "Македонски"        "mk-MK"  None,                                            ENGLISH,     HEARD,        ["mkd", "mac"];
    "serbian"     "Serbian"          "Српски"            "sr-RS"  say("sr-RS", "Google.sr-RS-Standard-A"),         SERBIAN,     HEARD,        ["srp", "srpski", "montenegrin", "cnr"];
    "croatian"    "Croatian"         "Hrvatski"          "hr-HR"  None,                                            ENGLISH,     HEARD,        ["hrv"];
    "bosnian"     "Bosnian"          "Bosanski"          "bs-BA"  None,                                            ENGLISH,     HEARD,        ["bos"];
    "albanian"    "Albanian"         "Shqip"             "sq-AL"  None,                                            ENGLISH,     HEARD,        ["sqi", "alb"];
    "belarusian"  "Belarusian"       "Беларуская"        "be-BY"  None,                                            ENGLISH,     HEARD,        ["bel", "belorussian", "byelorussian"];
    "lithuanian"  "Lithuanian"       "Lietuvių"          "lt-LT"  None,                                            ENGLISH,     HEARD,        ["lit", "lietuviu"];
    "latvian"     "Latvian"          "Latviešu"          "lv-LV"  say("lv-LV", "Google.lv-LV-Standard-B"),         LATVIAN,     HEARD,        ["lav", "lvs", "latviesu", "lettish"];
    "estonian"    "Estonian"         "Eesti"             "et-EE"  None,                                            ENGLISH,     HEARD,        ["est", "ekk"];
    "catalan"     "Catalan"          "Català"            "ca-ES"  say("ca-ES", "Polly.Arlet-Neural"),              CATALAN,     HEARD,        ["cat", "catala", "valencian", "valencià"];
    "galician"    "Galician"         "Galego"            "gl-ES"  None,                                            ENGLISH,     HEARD,        ["glg"];
    "basque"      "Basque"           "Euskara"           "eu-ES"  None,                                            ENGLISH,     HEARD,        ["eus", "baq", "euskera"];
    "welsh"       "Welsh"            "Cymraeg"           "cy-GB"  say("cy-GB", "Polly.Gwyneth"),                   WELSH,       HEARD,        ["cym", "wel"];
    // The Near East, the Caucasus, inner Asia.
    "turkish"     "Turkish"          "Türkçe"            "tr-TR"  say("tr-TR", "Polly.Burcu-Neural"),              TURKISH,     HEARD,        ["tur", "turkce"];
    "hebrew"      "Hebrew"           "עברית"             "he-IL"  say("he-IL", "Google.he-IL-Wavenet-A"),          HEBREW,      HEARD,        ["iw", "iw-il", "heb", "ivrit"];
    "persian"     "Persian"          "فارسی"             "fa-IR"  None,                                            ENGLISH,     HEARD,        ["fa", "fas", "per", "pes", "farsi", "iranian persian", "فارسى"];
    "dari"        "Dari"             "دری"               "fa-AF"  None,                                            ENGLISH,     UNLISTED,     ["prs", "prs-af", "afghan persian", "dari persian"];
    "pashto"      "Pashto"           "پښتو"              "ps-AF"  None,                                            ENGLISH,     UNLISTED,     ["pus", "pushto", "pashtu", "pukhto"];
    "kurdish"     "Kurdish"          "Kurdî"             "ku-TR"  None,                                            ENGLISH,     HEARD,        ["kur", "kmr", "ckb", "kurdi", "kurmanji", "sorani", "کوردی"];
    "armenian"    "Armenian"         "Հայերեն"           "hy-AM"  None,                                            ENGLISH,     HEARD,        ["hye", "arm", "hayeren"];
    "georgian"    "Georgian"         "ქართული"           "ka-GE"  None,                                            ENGLISH,     HEARD,        ["kat", "geo", "kartuli"];
    "azerbaijani" "Azerbaijani"      "Azərbaycan"        "az-AZ"  None,                                            ENGLISH,     HEARD,        ["aze", "azj", "azeri", "azerbaycan", "azərbaycanca", "azərbaycan dili"];
    "kazakh"      "Kazakh"           "Қазақ тілі"        "kk-KZ"  None,                                            ENGLISH,     HEARD,        ["kaz", "қазақша"];
    "uzbek"       "Uzbek"            "O‘zbek"            "uz-UZ"  None,                                            ENGLISH,     HEARD,        ["uzb", "uzn", "o'zbek", "ozbek", "o‘zbekcha", "ўзбек"];
    "mongolian"   "Mongolian"        "Монгол"            "mn-MN"  None,                                            ENGLISH,     HEARD,        ["mon", "khk"];
    // South Asia.
    "urdu"        "Urdu"             "اردو"              "ur-PK"  None,                                            ENGLISH,     UNLISTED,     ["urd", "اُردو"];
    "bengali"     "Bengali"          "বাংলা"                "bn-IN"  say("bn-IN", "Google.bn-IN-Chirp3-HD-Aoede"),    BENGALI,     HEARD,        ["ben", "bangla"];
    "punjabi"     "Punjabi"          "ਪੰਜਾਬੀ"               "pa-IN"  say("pa-IN", "Google.pa-IN-Wavenet-A"),          PUNJABI,     HEARD,        ["pan", "pnb", "pa-guru-in", "panjabi", "پنجابی"];
    "gujarati"    "Gujarati"         "ગુજરાતી"              "gu-IN"  say("gu-IN", "Google.gu-IN-Chirp3-HD-Aoede"),    GUJARATI,    HEARD,        ["guj"];
    "marathi"     "Marathi"          "मराठी"               "mr-IN"  say("mr-IN", "Google.mr-IN-Chirp3-HD-Aoede"),    MARATHI,     UNLISTED,     ["mar"];
    "tamil"       "Tamil"            "தமிழ்"               "ta-IN"  say("ta-IN", "Google.ta-IN-Chirp3-HD-Aoede"),    TAMIL,       UNLISTED,     ["tam"];
    "telugu"      "Telugu"           "తెలుగు"               "te-IN"  say("te-IN", "Google.te-IN-Chirp3-HD-Aoede"),    TELUGU,      HEARD,        ["tel"];
    "kannada"     "Kannada"          "ಕನ್ನಡ"              "kn-IN"  say("kn-IN", "Google.kn-IN-Chirp3-HD-Aoede"),    KANNADA,     UNLISTED,     ["kan", "kanarese"];
    "malayalam"   "Malayalam"        "മലയാളം"              "ml-IN"  say("ml-IN", "Google.ml-IN-Chirp3-HD-Aoede"),    MALAYALAM,   HEARD,        ["mal"];
    "nepali"      "Nepali"           "नेपाली"               "ne-NP"  None,                                            ENGLISH,     HEARD,        ["nep", "npi", "nepalese"];
    // East and South-East Asia, the Pacific.
    "thai"        "Thai"             "ไทย"               "th-TH"  say("th-TH", "Google.th-TH-Chirp3-HD-Aoede"),    THAI,        HEARD,        ["tha", "ภาษาไทย"];
    "lao"         "Lao"              "ລາວ"               "lo-LA"  None,                                            ENGLISH,     UNLISTED,     ["laotian", "ພາສາລາວ"];
    "khmer"       "Khmer"            "ខ្មែរ"               "km-KH"  None,                                            ENGLISH,     UNLISTED,     ["khm", "cambodian", "ភាសាខ្មែរ"];
    "burmese"     "Burmese"          "မြန်မာ"               "my-MM"  None,                                            ENGLISH,     HEARD,        ["mya", "bur", "myanmar", "မြန်မာဘာသာ"];
    "indonesian"  "Indonesian"       "Bahasa Indonesia"  "id-ID"  say("id-ID", "Google.id-ID-Chirp3-HD-Aoede"),    INDONESIAN,  spoken("id"), ["ind", "in-id", "bahasa", "indonesia"];
    "malay"       "Malay"            "Bahasa Melayu"     "ms-MY"  say("ms-MY", "Google.ms-MY-Wavenet-A"),          MALAY,       HEARD,        ["msa", "may", "zsm", "melayu", "bahasa malaysia", "malaysian"];
    "javanese"    "Javanese"         "Basa Jawa"         "jv-ID"  None,                                            ENGLISH,     HEARD,        ["jav", "jawa"];
    "maori"       "Maori"            "Māori"             "mi-NZ"  None,                                            ENGLISH,     HEARD,        ["mri", "mao", "te reo māori", "te reo maori"];
    // Africa, the Caribbean.
    "swahili"     "Swahili"          "Kiswahili"         "sw-KE"  None,                                            ENGLISH,     HEARD,        ["swa", "swh"];
    "somali"      "Somali"           "Soomaali"          "so-SO"  None,                                            ENGLISH,     UNLISTED,     ["som", "af soomaali"];
    "amharic"     "Amharic"          "አማርኛ"              "am-ET"  say("am-ET", "Google.am-ET-Wavenet-A"),          AMHARIC,     UNLISTED,     ["amh"];
    "yoruba"      "Yoruba"           "Yorùbá"            "yo-NG"  None,                                            ENGLISH,     HEARD,        ["yor", "èdè yorùbá"];
    "shona"       "Shona"            "chiShona"          "sn-ZW"  None,                                            ENGLISH,     HEARD,        ["sna"];
    "afrikaans"   "Afrikaans"        "Afrikaans"         "af-ZA"  say("af-ZA", "Google.af-ZA-Standard-A"),         AFRIKAANS,   HEARD,        ["afr"];
    "haitian"     "Haitian Creole"   "Kreyòl ayisyen"    "ht-HT"  None,                                            ENGLISH,     HEARD,        ["hat", "haitian-creole", "creole", "kreyol", "kreyòl", "kreyol ayisyen"];
}
