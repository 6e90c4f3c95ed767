//! The few sentences that we say ourselves, in every language of the table.
//!
//! They are spoken by the carrier's text-to-speech, between streams. A party whose language has no voice hears them in
//! English.

use crate::language::{Language, Say};

/// What we can say to a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phrase {
    /// Before the first stream: somebody is being sought.
    Connecting,
    /// The conversation is over.
    Goodbye,
    /// Nobody took the call.
    NoAgent,
    /// Something broke.
    Trouble,
    /// Every line is taken.
    Busy,
    /// The service is closing while the call still runs.
    Closing,
}

impl Phrase {
    pub const ALL: [Self; 6] = [
        Self::Connecting,
        Self::Goodbye,
        Self::NoAgent,
        Self::Trouble,
        Self::Busy,
        Self::Closing,
    ];

    /// The sentence and the voice for a party who speaks `language`.
    pub fn spoken_in(self, language: &'static Language) -> (&'static str, Option<Say>) {
        let language = if language.say.is_some() {
            language
        } else {
            Language::english()
        };
        let [connecting, goodbye, no_agent, trouble, busy, closing] = language.sentences;
        let text = match self {
            Self::Connecting => connecting,
            Self::Goodbye => goodbye,
            Self::NoAgent => no_agent,
            Self::Trouble => trouble,
            Self::Busy => busy,
            Self::Closing => closing,
        };
        (text, language.say)
    }
}

/// One language's sentences, in the order of [`Phrase::ALL`].
pub type Sentences = [&'static str; 6];

pub static ENGLISH: Sentences = [
    "One moment please. We are connecting you with an interpreter and an agent.",
    "The call has ended. Thank you, and goodbye.",
    "We are sorry, nobody is available right now. Please call again later. Goodbye.",
    "We are sorry, a technical problem has interrupted your call. Please call again. Goodbye.",
    "We are sorry, all our lines are busy. Please call again in a few minutes. Goodbye.",
    "We are sorry, this call has to end now. Please call again. Goodbye.",
];
pub static SPANISH: Sentences = [
    "Un momento, por favor. Le comunicamos con un intérprete y un agente.",
    "La llamada ha terminado. Gracias y hasta luego.",
    "Lo sentimos, en este momento nadie puede atenderle. Por favor, llame más tarde. Hasta luego.",
    "Lo sentimos, un problema técnico ha interrumpido su llamada. Por favor, llame de nuevo. Hasta luego.",
    "Lo sentimos, todas nuestras líneas están ocupadas. Por favor, llame en unos minutos. Hasta luego.",
    "Lo sentimos, esta llamada tiene que terminar ahora. Por favor, llame de nuevo. Hasta luego.",
];
pub static FRENCH: Sentences = [
    "Un instant, s'il vous plaît. Nous vous mettons en relation avec un interprète et un conseiller.",
    "L'appel est terminé. Merci et au revoir.",
    "Nous sommes désolés, personne n'est disponible pour le moment. Veuillez rappeler plus tard. Au revoir.",
    "Nous sommes désolés, un problème technique a interrompu votre appel. Veuillez rappeler. Au revoir.",
    "Nous sommes désolés, toutes nos lignes sont occupées. Veuillez rappeler dans quelques minutes. Au revoir.",
    "Nous sommes désolés, cet appel doit se terminer maintenant. Veuillez rappeler. Au revoir.",
];
pub static MANDARIN: Sentences = [
    "请稍等，我们正在为您接通口译员和客服人员。",
    "通话已结束。谢谢您，再见。",
    "很抱歉，目前没有客服人员可以接听。请稍后再拨。再见。",
    "很抱歉，技术故障中断了您的通话。请重新拨打。再见。",
    "很抱歉，所有线路都在忙。请几分钟后再拨。再见。",
    "很抱歉，本次通话现在必须结束。请重新拨打。再见。",
];
pub static HINDI: Sentences = [
    "कृपया एक क्षण रुकें। हम आपको एक दुभाषिए और एजेंट से जोड़ रहे हैं।",
    "कॉल समाप्त हो गई है। धन्यवाद, नमस्ते।",
    "क्षमा करें, अभी कोई उपलब्ध नहीं है। कृपया बाद में फिर कॉल करें। नमस्ते।",
    "क्षमा करें, तकनीकी समस्या के कारण आपकी कॉल रुक गई। कृपया फिर से कॉल करें। नमस्ते।",
    "क्षमा करें, हमारी सभी लाइनें व्यस्त हैं। कृपया कुछ मिनट बाद कॉल करें। नमस्ते।",
    "क्षमा करें, यह कॉल अब समाप्त करनी होगी। कृपया फिर से कॉल करें। नमस्ते।",
];
pub static PORTUGUESE: Sentences = [
    "Um momento, por favor. Estamos conectando você com um intérprete e um atendente.",
    "A chamada terminou. Obrigado e até logo.",
    "Desculpe, ninguém está disponível agora. Por favor, ligue mais tarde. Até logo.",
    "Desculpe, um problema técnico interrompeu a sua chamada. Por favor, ligue de novo. Até logo.",
    "Desculpe, todas as nossas linhas estão ocupadas. Por favor, ligue em alguns minutos. Até logo.",
    "Desculpe, esta chamada precisa terminar agora. Por favor, ligue de novo. Até logo.",
];
pub static GERMAN: Sentences = [
    "Einen Moment bitte. Wir verbinden Sie mit einem Dolmetscher und unserem Service.",
    "Das Gespräch ist beendet. Vielen Dank und auf Wiederhören.",
    "Es tut uns leid, im Moment ist niemand frei. Bitte rufen Sie später noch einmal an. Auf Wiederhören.",
    "Es tut uns leid, eine technische Störung hat Ihren Anruf unterbrochen. Bitte rufen Sie noch einmal an. Auf Wiederhören.",
    "Es tut uns leid, alle Leitungen sind belegt. Bitte rufen Sie in einigen Minuten noch einmal an. Auf Wiederhören.",
    "Es tut uns leid, dieses Gespräch muss jetzt enden. Bitte rufen Sie noch einmal an. Auf Wiederhören.",
];
pub static ITALIAN: Sentences = [
    "Un momento, per favore. La stiamo mettendo in contatto con un interprete e un operatore.",
    "La chiamata è terminata. Grazie e arrivederci.",
    "Ci dispiace, al momento nessuno è disponibile. La preghiamo di richiamare più tardi. Arrivederci.",
    "Ci dispiace, un problema tecnico ha interrotto la chiamata. La preghiamo di richiamare. Arrivederci.",
    "Ci dispiace, tutte le linee sono occupate. La preghiamo di richiamare tra qualche minuto. Arrivederci.",
    "Ci dispiace, questa chiamata deve terminare ora. La preghiamo di richiamare. Arrivederci.",
];
pub static JAPANESE: Sentences = [
    "少々お待ちください。通訳と担当者におつなぎしています。",
    "通話が終了しました。ありがとうございました。失礼いたします。",
    "申し訳ございません。ただいま対応できる者がおりません。後ほどおかけ直しください。",
    "申し訳ございません。技術的な問題で通話が中断されました。もう一度おかけください。",
    "申し訳ございません。すべての回線が混み合っています。数分後におかけ直しください。",
    "申し訳ございません。この通話はここで終了いたします。もう一度おかけください。",
];
pub static KOREAN: Sentences = [
    "잠시만 기다려 주세요. 통역사와 상담원을 연결하고 있습니다.",
    "통화가 종료되었습니다. 감사합니다. 안녕히 계세요.",
    "죄송합니다. 지금은 상담 가능한 직원이 없습니다. 나중에 다시 전화해 주세요.",
    "죄송합니다. 기술적인 문제로 통화가 중단되었습니다. 다시 전화해 주세요.",
    "죄송합니다. 모든 회선이 통화 중입니다. 몇 분 후에 다시 전화해 주세요.",
    "죄송합니다. 이 통화를 지금 종료해야 합니다. 다시 전화해 주세요.",
];
pub static ARABIC: Sentences = [
    "لحظة من فضلك. نقوم بتوصيلك بمترجم وموظف.",
    "انتهت المكالمة. شكراً لك، مع السلامة.",
    "نأسف، لا يوجد أحد متاح الآن. يرجى الاتصال لاحقاً. مع السلامة.",
    "نأسف، قطعت مشكلة فنية مكالمتك. يرجى الاتصال مرة أخرى. مع السلامة.",
    "نأسف، جميع خطوطنا مشغولة. يرجى الاتصال بعد بضع دقائق. مع السلامة.",
    "نأسف، يجب أن تنتهي هذه المكالمة الآن. يرجى الاتصال مرة أخرى. مع السلامة.",
];
pub static VIETNAMESE: Sentences = [
    "Xin vui lòng chờ một chút. Chúng tôi đang kết nối quý khách với thông dịch viên và nhân viên.",
    "Cuộc gọi đã kết thúc. Xin cảm ơn và tạm biệt.",
    "Xin lỗi, hiện không có ai sẵn sàng. Vui lòng gọi lại sau. Tạm biệt.",
    "Xin lỗi, sự cố kỹ thuật đã làm gián đoạn cuộc gọi. Vui lòng gọi lại. Tạm biệt.",
    "Xin lỗi, tất cả đường dây đều bận. Vui lòng gọi lại sau vài phút. Tạm biệt.",
    "Xin lỗi, cuộc gọi này phải kết thúc bây giờ. Vui lòng gọi lại. Tạm biệt.",
];
pub static RUSSIAN: Sentences = [
    "Одну минуту, пожалуйста. Мы соединяем вас с переводчиком и оператором.",
    "Звонок завершён. Спасибо и до свидания.",
    "К сожалению, сейчас никто не может ответить. Пожалуйста, перезвоните позже. До свидания.",
    "К сожалению, звонок прерван из-за технической неполадки. Пожалуйста, перезвоните. До свидания.",
    "К сожалению, все линии заняты. Пожалуйста, перезвоните через несколько минут. До свидания.",
    "К сожалению, этот звонок нужно завершить. Пожалуйста, перезвоните. До свидания.",
];
pub static POLISH: Sentences = [
    "Proszę chwilę zaczekać. Łączymy z tłumaczem i konsultantem.",
    "Rozmowa została zakończona. Dziękujemy i do widzenia.",
    "Przepraszamy, w tej chwili nikt nie może odebrać. Prosimy zadzwonić później. Do widzenia.",
    "Przepraszamy, problem techniczny przerwał rozmowę. Prosimy zadzwonić ponownie. Do widzenia.",
    "Przepraszamy, wszystkie linie są zajęte. Prosimy zadzwonić za kilka minut. Do widzenia.",
    "Przepraszamy, ta rozmowa musi się teraz zakończyć. Prosimy zadzwonić ponownie. Do widzenia.",
];
pub static CANTONESE: Sentences = [
    "請稍等，我們正為您接駁傳譯員同客服人員。",
    "通話已經完結。多謝，再見。",
    "對唔住，而家冇人可以接聽。請遲啲再打嚟。再見。",
    "對唔住，技術問題中斷咗您嘅通話。請再打嚟。再見。",
    "對唔住，所有線路都忙緊。請幾分鐘後再打嚟。再見。",
    "對唔住，呢個通話而家要結束。請再打嚟。再見。",
];
pub static TAGALOG: Sentences = [
    "Sandali lang po. Ikinokonekta namin kayo sa isang interpreter at isang ahente.",
    "Tapos na po ang tawag. Salamat at paalam.",
    "Paumanhin po, walang makasagot sa ngayon. Tumawag po ulit mamaya. Paalam.",
    "Paumanhin po, naputol ang inyong tawag dahil sa problemang teknikal. Tumawag po ulit. Paalam.",
    "Paumanhin po, abala ang lahat ng aming linya. Tumawag po ulit pagkalipas ng ilang minuto. Paalam.",
    "Paumanhin po, kailangang tapusin na ang tawag na ito. Tumawag po ulit. Paalam.",
];
pub static UKRAINIAN: Sentences = [
    "Одну хвилину, будь ласка. Ми з'єднуємо вас із перекладачем та оператором.",
    "Дзвінок завершено. Дякуємо, до побачення.",
    "На жаль, зараз ніхто не може відповісти. Будь ласка, зателефонуйте пізніше. До побачення.",
    "На жаль, технічна несправність перервала дзвінок. Будь ласка, зателефонуйте ще раз. До побачення.",
    "На жаль, усі лінії зайняті. Будь ласка, зателефонуйте за кілька хвилин. До побачення.",
    "На жаль, цей дзвінок потрібно завершити. Будь ласка, зателефонуйте ще раз. До побачення.",
];

#[cfg(test)]
mod tests {
    use crate::language::LANGUAGES;

    use super::*;

    #[test]
    fn every_sentence_of_every_language_is_there_and_its_own() {
        for (n, language) in LANGUAGES.iter().enumerate() {
            for phrase in Phrase::ALL {
                let (text, say) = phrase.spoken_in(language);
                assert!(!text.is_empty() && say.is_some(), "{} {phrase:?}", language.slug);
                for other in &LANGUAGES[..n] {
                    assert_ne!(text, phrase.spoken_in(other).0, "{} {phrase:?}", language.slug);
                }
            }
        }
    }
}
