//! Our sentences in the languages of Europe, in the order of [`Phrase::ALL`](super::Phrase::ALL).

use super::Sentences;

pub static ENGLISH: Sentences = [
    "One moment please. We are connecting you with an interpreter and an agent.",
    "The call has ended. Thank you, and goodbye.",
    "We are sorry, nobody is available right now. Please call again later. Goodbye.",
    "We are sorry, a technical problem has interrupted your call. Please call again. Goodbye.",
    "We are sorry, all our lines are busy. Please call again in a few minutes. Goodbye.",
    "We are sorry, this call has to end now. Please call again. Goodbye.",
    "This call is being recorded.",
    "The connection to your agent was lost. Please stay on the line, we are reconnecting you.",
];
pub static SPANISH: Sentences = [
    "Un momento, por favor. Le comunicamos con un intérprete y un agente.",
    "La llamada ha terminado. Gracias y hasta luego.",
    "Lo sentimos, en este momento nadie puede atenderle. Por favor, llame más tarde. Hasta luego.",
    "Lo sentimos, un problema técnico ha interrumpido su llamada. Por favor, llame de nuevo. Hasta luego.",
    "Lo sentimos, todas nuestras líneas están ocupadas. Por favor, vuelva a llamar en unos minutos. Hasta luego.",
    "Lo sentimos, esta llamada tiene que terminar ahora. Por favor, llame de nuevo. Hasta luego.",
    "Esta llamada se está grabando.",
    "Se ha perdido la conexión con su agente. Por favor, no cuelgue, le estamos volviendo a comunicar.",
];
pub static FRENCH: Sentences = [
    "Un instant, s'il vous plaît. Nous vous mettons en relation avec un interprète et un conseiller.",
    "L'appel est terminé. Merci et au revoir.",
    "Nous sommes désolés, personne n'est disponible pour le moment. Veuillez rappeler plus tard. Au revoir.",
    "Nous sommes désolés, un problème technique a interrompu votre appel. Veuillez rappeler. Au revoir.",
    "Nous sommes désolés, toutes nos lignes sont occupées. Veuillez rappeler dans quelques minutes. Au revoir.",
    "Nous sommes désolés, cet appel doit se terminer maintenant. Veuillez rappeler. Au revoir.",
    "Cet appel est enregistré.",
    "La communication avec votre conseiller a été interrompue. Veuillez rester en ligne, nous rétablissons la liaison.",
];
pub static PORTUGUESE: Sentences = [
    "Um momento, por favor. Estamos conectando você a um intérprete e a um atendente.",
    "A chamada foi encerrada. Agradecemos o seu contato. Até logo.",
    "Desculpe, ninguém está disponível agora. Por favor, ligue mais tarde. Até logo.",
    "Desculpe, um problema técnico interrompeu a sua chamada. Por favor, ligue de novo. Até logo.",
    "Desculpe, todas as nossas linhas estão ocupadas. Por favor, ligue de novo em alguns minutos. Até logo.",
    "Desculpe, esta chamada precisa terminar agora. Por favor, ligue de novo. Até logo.",
    "Esta chamada está sendo gravada.",
    "A ligação com o seu atendente foi interrompida. Por favor, fique na linha, estamos reconectando você.",
];
pub static GERMAN: Sentences = [
    "Einen Moment bitte. Wir verbinden Sie mit einem Dolmetscher und unserem Service.",
    "Das Gespräch ist beendet. Vielen Dank und auf Wiederhören.",
    "Es tut uns leid, im Moment ist niemand frei. Bitte rufen Sie später noch einmal an. Auf Wiederhören.",
    "Es tut uns leid, eine technische Störung hat Ihren Anruf unterbrochen. Bitte rufen Sie noch einmal an. Auf Wiederhören.",
    "Es tut uns leid, alle Leitungen sind belegt. Bitte rufen Sie in einigen Minuten noch einmal an. Auf Wiederhören.",
    "Es tut uns leid, dieses Gespräch muss jetzt enden. Bitte rufen Sie noch einmal an. Auf Wiederhören.",
    "Dieses Gespräch wird aufgezeichnet.",
    "Die Verbindung zu unserem Service wurde unterbrochen. Bitte bleiben Sie am Apparat, wir verbinden Sie wieder.",
];
pub static ITALIAN: Sentences = [
    "Un momento, per favore. La stiamo mettendo in contatto con un interprete e un operatore.",
    "La chiamata è terminata. Grazie e arrivederci.",
    "Ci dispiace, al momento nessuno è disponibile. La preghiamo di richiamare più tardi. Arrivederci.",
    "Ci dispiace, un problema tecnico ha interrotto la chiamata. La preghiamo di richiamare. Arrivederci.",
    "Ci dispiace, tutte le linee sono occupate. La preghiamo di richiamare tra qualche minuto. Arrivederci.",
    "Ci dispiace, questa chiamata deve terminare ora. La preghiamo di richiamare. Arrivederci.",
    "Questa chiamata viene registrata.",
    "Il collegamento con l'operatore si è interrotto. La preghiamo di restare in linea, lo stiamo ripristinando.",
];
pub static CATALAN: Sentences = [
    "Un moment, si us plau. Us posem en contacte amb un intèrpret i un agent.",
    "La trucada ha finalitzat. Gràcies i a reveure.",
    "Ho sentim, ara mateix no hi ha ningú disponible. Si us plau, truqueu més tard. A reveure.",
    "Ho sentim, un problema tècnic ha interromput la trucada. Si us plau, torneu a trucar. A reveure.",
    "Ho sentim, totes les línies estan ocupades. Si us plau, torneu a trucar d'aquí a uns minuts. A reveure.",
    "Ho sentim, aquesta trucada s'ha d'acabar ara. Si us plau, torneu a trucar. A reveure.",
    "Aquesta trucada s'està enregistrant.",
    "S'ha perdut la connexió amb el vostre agent. Si us plau, no pengeu, us hi tornem a connectar.",
];
pub static ROMANIAN: Sentences = [
    "Un moment, vă rugăm. Vă facem legătura cu un interpret și un operator.",
    "Apelul s-a încheiat. Vă mulțumim, la revedere.",
    "Ne pare rău, momentan nu este nimeni disponibil. Vă rugăm să sunați mai târziu. La revedere.",
    "Ne pare rău, o problemă tehnică a întrerupt apelul. Vă rugăm să sunați din nou. La revedere.",
    "Ne pare rău, toate liniile noastre sunt ocupate. Vă rugăm să sunați din nou peste câteva minute. La revedere.",
    "Ne pare rău, acest apel trebuie să se încheie acum. Vă rugăm să sunați din nou. La revedere.",
    "Acest apel este înregistrat.",
    "Legătura cu operatorul s-a întrerupt. Vă rugăm să rămâneți pe linie, o restabilim.",
];
pub static DUTCH: Sentences = [
    "Een ogenblik alstublieft. We verbinden u door met een tolk en een medewerker.",
    "Het gesprek is beëindigd. Dank u wel en tot ziens.",
    "Het spijt ons, op dit moment is er niemand beschikbaar. Belt u later alstublieft nog eens. Tot ziens.",
    "Het spijt ons, een technische storing heeft uw gesprek onderbroken. Belt u alstublieft opnieuw. Tot ziens.",
    "Het spijt ons, al onze lijnen zijn bezet. Belt u alstublieft over een paar minuten opnieuw. Tot ziens.",
    "Het spijt ons, dit gesprek moet nu worden beëindigd. Belt u alstublieft opnieuw. Tot ziens.",
    "Dit gesprek wordt opgenomen.",
    "De verbinding met uw medewerker is verbroken. Blijft u aan de lijn, we verbinden u opnieuw door.",
];
pub static SWEDISH: Sentences = [
    "Ett ögonblick, tack. Vi kopplar dig till en tolk och en medarbetare.",
    "Samtalet är avslutat. Tack och hej då.",
    "Tyvärr är ingen ledig just nu. Ring gärna igen senare. Hej då.",
    "Tyvärr har ett tekniskt fel brutit samtalet. Ring gärna igen. Hej då.",
    "Tyvärr är alla våra linjer upptagna. Ring gärna igen om några minuter. Hej då.",
    "Tyvärr måste samtalet avslutas nu. Ring gärna igen. Hej då.",
    "Det här samtalet spelas in.",
    "Kontakten med vår medarbetare bröts. Var god stanna kvar på linjen, vi kopplar dig igen.",
];
pub static DANISH: Sentences = [
    "Et øjeblik. Vi stiller dig om til en tolk og en medarbejder.",
    "Samtalen er afsluttet. Tak, og farvel.",
    "Vi beklager, men ingen er ledige lige nu. Ring venligst igen senere. Farvel.",
    "Vi beklager, men en teknisk fejl har afbrudt samtalen. Ring venligst igen. Farvel.",
    "Vi beklager, men alle vores linjer er optaget. Ring venligst igen om nogle få minutter. Farvel.",
    "Vi beklager, men samtalen må afsluttes nu. Ring venligst igen. Farvel.",
    "Denne samtale bliver optaget.",
    "Forbindelsen til vores medarbejder blev afbrudt. Bliv venligst på linjen, vi stiller dig om igen.",
];
pub static NORWEGIAN: Sentences = [
    "Et øyeblikk. Vi setter deg over til en tolk og en kundebehandler.",
    "Samtalen er avsluttet. Takk, og ha det bra.",
    "Vi beklager, men ingen er ledige akkurat nå. Vennligst ring igjen senere. Ha det bra.",
    "Vi beklager, men en teknisk feil har avbrutt samtalen. Vennligst ring igjen. Ha det bra.",
    "Vi beklager, men alle linjene våre er opptatt. Vennligst ring igjen om noen minutter. Ha det bra.",
    "Vi beklager, men samtalen må avsluttes nå. Vennligst ring igjen. Ha det bra.",
    "Denne samtalen blir tatt opp.",
    "Forbindelsen til kundebehandleren ble brutt. Vennligst bli på linjen, vi setter deg over igjen.",
];
pub static ICELANDIC: Sentences = [
    "Augnablik, takk. Við erum að tengja þig við túlk og þjónustufulltrúa.",
    "Símtalinu er lokið. Takk fyrir og bless.",
    "Því miður er enginn laus eins og er. Vinsamlegast hringdu aftur síðar. Bless.",
    "Því miður rofnaði símtalið vegna tæknilegrar bilunar. Vinsamlegast hringdu aftur. Bless.",
    "Því miður eru allar línur uppteknar. Vinsamlegast hringdu aftur eftir nokkrar mínútur. Bless.",
    "Því miður þarf að ljúka þessu símtali núna. Vinsamlegast hringdu aftur. Bless.",
    "Þetta símtal er hljóðritað.",
    "Sambandið við þjónustufulltrúann rofnaði. Vinsamlegast vertu áfram á línunni, við erum að tengja þig aftur.",
];
pub static FINNISH: Sentences = [
    "Hetkinen, olkaa hyvä. Yhdistämme teidät tulkille ja asiakaspalvelijalle.",
    "Puhelu on päättynyt. Kiitos ja kuulemiin.",
    "Valitettavasti kukaan ei ole juuri nyt tavoitettavissa. Soittakaa myöhemmin uudelleen. Kuulemiin.",
    "Valitettavasti tekninen vika katkaisi puhelunne. Olkaa hyvä ja soittakaa uudelleen. Kuulemiin.",
    "Valitettavasti kaikki linjamme ovat varattuja. Soittakaa muutaman minuutin kuluttua uudelleen. Kuulemiin.",
    "Valitettavasti tämä puhelu on nyt lopetettava. Olkaa hyvä ja soittakaa uudelleen. Kuulemiin.",
    "Tämä puhelu nauhoitetaan.",
    "Yhteys asiakaspalvelijaan katkesi. Olkaa hyvä ja pysykää linjalla, yhdistämme teidät uudelleen.",
];
pub static LATVIAN: Sentences = [
    "Vienu mirkli, lūdzu. Mēs jūs savienojam ar tulku un operatoru.",
    "Zvans ir beidzies. Paldies un visu labu.",
    "Atvainojiet, šobrīd neviens nav pieejams. Lūdzu, zvaniet vēlāk. Visu labu.",
    "Atvainojiet, zvans pārtrūka tehnisku problēmu dēļ. Lūdzu, zvaniet vēlreiz. Visu labu.",
    "Atvainojiet, visas mūsu līnijas ir aizņemtas. Lūdzu, zvaniet vēlreiz pēc dažām minūtēm. Visu labu.",
    "Atvainojiet, šis zvans tagad ir jābeidz. Lūdzu, zvaniet vēlreiz. Visu labu.",
    "Šī saruna tiek ierakstīta.",
    "Savienojums ar operatoru ir pārtrūcis. Lūdzu, palieciet uz līnijas, mēs jūs savienojam no jauna.",
];
pub static WELSH: Sentences = [
    "Un eiliad, os gwelwch yn dda. Rydym yn eich cysylltu â chyfieithydd ac asiant.",
    "Mae'r alwad wedi dod i ben. Diolch, a hwyl fawr.",
    "Mae'n ddrwg gennym, does neb ar gael ar hyn o bryd. Ffoniwch eto'n hwyrach, os gwelwch yn dda. Hwyl fawr.",
    "Mae'n ddrwg gennym, mae problem dechnegol wedi torri ar draws eich galwad. Ffoniwch eto, os gwelwch yn dda. Hwyl fawr.",
    "Mae'n ddrwg gennym, mae ein llinellau i gyd yn brysur. Ffoniwch eto ymhen ychydig funudau, os gwelwch yn dda. Hwyl fawr.",
    "Mae'n ddrwg gennym, rhaid i'r alwad hon ddod i ben nawr. Ffoniwch eto, os gwelwch yn dda. Hwyl fawr.",
    "Mae'r alwad hon yn cael ei recordio.",
    "Collwyd y cysylltiad â'ch asiant. Arhoswch ar y lein, os gwelwch yn dda, rydym yn eich ailgysylltu.",
];
pub static HUNGARIAN: Sentences = [
    "Egy pillanat türelmet kérünk. Kapcsoljuk Önnek a tolmácsot és egy munkatársunkat.",
    "A hívás véget ért. Köszönjük, viszonthallásra.",
    "Sajnáljuk, jelenleg senki sem elérhető. Kérjük, hívjon később. Viszonthallásra.",
    "Sajnáljuk, a hívás műszaki hiba miatt megszakadt. Kérjük, hívjon újra. Viszonthallásra.",
    "Sajnáljuk, minden vonalunk foglalt. Kérjük, hívjon újra néhány perc múlva. Viszonthallásra.",
    "Sajnáljuk, ezt a hívást most be kell fejeznünk. Kérjük, hívjon újra. Viszonthallásra.",
    "Tájékoztatjuk, hogy a beszélgetést rögzítjük.",
    "Megszakadt a kapcsolat a munkatársunkkal. Kérjük, maradjon vonalban, újra kapcsoljuk Önnek.",
];
pub static POLISH: Sentences = [
    "Proszę chwilę zaczekać. Łączymy z tłumaczem i konsultantem.",
    "Rozmowa została zakończona. Dziękujemy i do widzenia.",
    "Przepraszamy, w tej chwili nikt nie może odebrać. Prosimy zadzwonić później. Do widzenia.",
    "Przepraszamy, z powodu problemu technicznego rozmowa została przerwana. Prosimy zadzwonić ponownie. Do widzenia.",
    "Przepraszamy, wszystkie linie są zajęte. Prosimy zadzwonić za kilka minut. Do widzenia.",
    "Przepraszamy, ta rozmowa musi się teraz zakończyć. Prosimy zadzwonić ponownie. Do widzenia.",
    "Ta rozmowa jest nagrywana.",
    "Połączenie z konsultantem zostało przerwane. Proszę się nie rozłączać, łączymy ponownie.",
];
pub static CZECH: Sentences = [
    "Okamžik, prosím. Spojujeme vás s tlumočníkem a operátorem.",
    "Hovor byl ukončen. Děkujeme a na shledanou.",
    "Omlouváme se, momentálně se vám nemůže nikdo věnovat. Zavolejte prosím později. Na shledanou.",
    "Omlouváme se, váš hovor přerušila technická závada. Zavolejte prosím znovu. Na shledanou.",
    "Omlouváme se, všechny naše linky jsou obsazené. Zavolejte prosím za několik minut. Na shledanou.",
    "Omlouváme se, tento hovor musíme nyní ukončit. Zavolejte prosím znovu. Na shledanou.",
    "Tento hovor je nahráván.",
    "Spojení s operátorem se přerušilo. Prosím, zůstaňte na lince, znovu vás spojujeme.",
];
pub static SLOVAK: Sentences = [
    "Moment, prosím. Spájame vás s tlmočníkom a operátorom.",
    "Hovor sa skončil. Ďakujeme a dopočutia.",
    "Ospravedlňujeme sa, momentálne nie je nikto k dispozícii. Zavolajte, prosím, neskôr. Dopočutia.",
    "Ospravedlňujeme sa, váš hovor prerušila technická porucha. Zavolajte, prosím, znova. Dopočutia.",
    "Ospravedlňujeme sa, všetky naše linky sú obsadené. Zavolajte, prosím, o niekoľko minút. Dopočutia.",
    "Ospravedlňujeme sa, tento hovor musíme teraz ukončiť. Zavolajte, prosím, znova. Dopočutia.",
    "Tento hovor sa nahráva.",
    "Spojenie s operátorom sa prerušilo. Prosím, zostaňte na linke, znovu vás spájame.",
];
pub static SERBIAN: Sentences = [
    "Само тренутак, молимо вас. Повезујемо вас са преводиоцем и оператером.",
    "Позив је завршен. Хвала вам и довиђења.",
    "Жао нам је, тренутно нико није доступан. Молимо вас, позовите касније. Довиђења.",
    "Жао нам је, технички проблем је прекинуо ваш позив. Молимо вас, позовите поново. Довиђења.",
    "Жао нам је, све наше линије су заузете. Молимо вас, позовите поново за неколико минута. Довиђења.",
    "Жао нам је, овај позив сада мора да се заврши. Молимо вас, позовите поново. Довиђења.",
    "Овај разговор се снима.",
    "Веза са оператером је прекинута. Молимо вас, останите на линији, поново вас повезујемо.",
];
pub static BULGARIAN: Sentences = [
    "Един момент, моля. Свързваме ви с преводач и оператор.",
    "Разговорът приключи. Благодарим ви и дочуване.",
    "Съжаляваме, в момента няма свободен служител. Моля, обадете се по-късно. Дочуване.",
    "Съжаляваме, разговорът прекъсна поради технически проблем. Моля, обадете се отново. Дочуване.",
    "Съжаляваме, всички линии са заети. Моля, обадете се отново след няколко минути. Дочуване.",
    "Съжаляваме, този разговор трябва да приключи сега. Моля, обадете се отново. Дочуване.",
    "Този разговор се записва.",
    "Връзката с оператора прекъсна. Моля, останете на линията, свързваме ви отново.",
];
pub static RUSSIAN: Sentences = [
    "Одну минуту, пожалуйста. Мы соединяем вас с переводчиком и оператором.",
    "Звонок завершён. Спасибо и до свидания.",
    "К сожалению, сейчас никто не может ответить. Пожалуйста, перезвоните позже. До свидания.",
    "К сожалению, звонок прервался из-за технической неполадки. Пожалуйста, перезвоните. До свидания.",
    "К сожалению, все линии заняты. Пожалуйста, перезвоните через несколько минут. До свидания.",
    "К сожалению, сейчас мы вынуждены завершить этот звонок. Пожалуйста, перезвоните. До свидания.",
    "Этот разговор записывается.",
    "Связь с оператором прервалась. Пожалуйста, оставайтесь на линии, мы соединяем вас снова.",
];
pub static UKRAINIAN: Sentences = [
    "Одну хвилину, будь ласка. Ми з'єднуємо вас із перекладачем та оператором.",
    "Дзвінок завершено. Дякуємо, до побачення.",
    "На жаль, зараз ніхто не може відповісти. Будь ласка, зателефонуйте пізніше. До побачення.",
    "На жаль, дзвінок перервався через технічну несправність. Будь ласка, зателефонуйте ще раз. До побачення.",
    "На жаль, усі лінії зайняті. Будь ласка, зателефонуйте за кілька хвилин. До побачення.",
    "На жаль, цей дзвінок потрібно завершити. Будь ласка, зателефонуйте ще раз. До побачення.",
    "Ця розмова записується.",
    "Зв'язок з оператором перервався. Будь ласка, залишайтеся на лінії, ми з'єднуємо вас знову.",
];
pub static GREEK: Sentences = [
    "Μια στιγμή, παρακαλώ. Σας συνδέουμε με έναν διερμηνέα και έναν εκπρόσωπο.",
    "Η κλήση ολοκληρώθηκε. Σας ευχαριστούμε, γεια σας.",
    "Λυπούμαστε, αυτή τη στιγμή δεν είναι κανείς διαθέσιμος. Παρακαλούμε καλέστε ξανά αργότερα. Γεια σας.",
    "Λυπούμαστε, η κλήση σας διακόπηκε λόγω τεχνικού προβλήματος. Παρακαλούμε καλέστε ξανά. Γεια σας.",
    "Λυπούμαστε, όλες οι γραμμές μας είναι κατειλημμένες. Παρακαλούμε καλέστε ξανά σε λίγα λεπτά. Γεια σας.",
    "Λυπούμαστε, η κλήση αυτή πρέπει να τερματιστεί τώρα. Παρακαλούμε καλέστε ξανά. Γεια σας.",
    "Η κλήση αυτή καταγράφεται.",
    "Η σύνδεση με τον εκπρόσωπο διακόπηκε. Παρακαλώ παραμείνετε στη γραμμή, σας συνδέουμε ξανά.",
];
