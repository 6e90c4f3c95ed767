//! Our sentences in the languages of Asia and Africa, in the order of [`Phrase::ALL`](super::Phrase::ALL).

use super::Sentences;

pub static MANDARIN: Sentences = [
    "请稍等，我们正在为您接通口译员和客服人员。",
    "通话已结束。谢谢您，再见。",
    "很抱歉，目前没有客服人员可以接听。请稍后再拨。再见。",
    "很抱歉，因技术故障，您的通话已中断。请重新拨打。再见。",
    "很抱歉，目前所有线路均忙。请过几分钟再拨。再见。",
    "很抱歉，本次通话现在必须结束。请重新拨打。再见。",
    "请注意，本次通话将被录音。",
    "与客服人员的连接已中断。请不要挂断，我们正在为您重新接通。",
];
pub static CANTONESE: Sentences = [
    "請稍等，我們正為您接駁傳譯員同客服人員。",
    "通話已經完結。多謝，再見。",
    "對唔住，而家冇人可以接聽。請遲啲再打嚟。再見。",
    "對唔住，因為技術問題，您嘅通話中斷咗。請再打嚟。再見。",
    "對唔住，所有線路都好繁忙。請過幾分鐘再打嚟。再見。",
    "對唔住，呢個通話而家要結束。請再打嚟。再見。",
    "請注意，呢個通話會被錄音。",
    "同客服人員嘅連線中斷咗。請唔好收線，我們正為您重新接駁。",
];
pub static JAPANESE: Sentences = [
    "少々お待ちください。通訳と担当者におつなぎしています。",
    "通話が終了しました。ありがとうございました。失礼いたします。",
    "申し訳ございません。ただいま対応できる者がおりません。後ほどおかけ直しください。",
    "申し訳ございません。技術的な問題で通話が中断されました。もう一度おかけください。",
    "申し訳ございません。すべての回線が混み合っています。数分後におかけ直しください。",
    "申し訳ございません。この通話はここで終了いたします。もう一度おかけください。",
    "この通話は録音されています。",
    "担当者との接続が切れました。そのままお待ちください。おつなぎ直ししています。",
];
pub static KOREAN: Sentences = [
    "잠시만 기다려 주세요. 통역사와 상담원을 연결하고 있습니다.",
    "통화가 종료되었습니다. 감사합니다. 안녕히 계세요.",
    "죄송합니다. 지금은 상담 가능한 직원이 없습니다. 나중에 다시 전화해 주세요.",
    "죄송합니다. 기술적인 문제로 통화가 중단되었습니다. 다시 전화해 주세요.",
    "죄송합니다. 모든 회선이 통화 중입니다. 몇 분 후에 다시 전화해 주세요.",
    "죄송합니다. 이 통화를 지금 종료해야 합니다. 다시 전화해 주세요.",
    "이 통화는 녹음되고 있습니다.",
    "상담원과의 연결이 끊어졌습니다. 끊지 말고 기다려 주세요. 다시 연결하고 있습니다.",
];
pub static VIETNAMESE: Sentences = [
    "Xin vui lòng chờ một chút. Chúng tôi đang kết nối quý khách với thông dịch viên và nhân viên.",
    "Cuộc gọi đã kết thúc. Xin cảm ơn và tạm biệt.",
    "Rất tiếc, hiện không có nhân viên nào nhận được cuộc gọi. Xin vui lòng gọi lại sau. Tạm biệt.",
    "Rất tiếc, cuộc gọi của quý khách bị gián đoạn do sự cố kỹ thuật. Xin vui lòng gọi lại. Tạm biệt.",
    "Rất tiếc, tất cả đường dây đều bận. Xin vui lòng gọi lại sau vài phút. Tạm biệt.",
    "Rất tiếc, cuộc gọi này phải kết thúc tại đây. Xin vui lòng gọi lại. Tạm biệt.",
    "Cuộc gọi này được ghi âm.",
    "Kết nối với nhân viên đã bị gián đoạn. Xin quý khách vui lòng giữ máy, chúng tôi đang kết nối lại.",
];
pub static THAI: Sentences = [
    "กรุณารอสักครู่ค่ะ เรากำลังเชื่อมต่อคุณกับล่ามและเจ้าหน้าที่",
    "สิ้นสุดการสนทนาแล้ว ขอบคุณและสวัสดีค่ะ",
    "ขออภัยค่ะ ขณะนี้ไม่มีเจ้าหน้าที่ว่าง กรุณาโทรใหม่ภายหลัง สวัสดีค่ะ",
    "ขออภัยค่ะ สายของคุณหลุดเนื่องจากปัญหาทางเทคนิค กรุณาโทรใหม่อีกครั้ง สวัสดีค่ะ",
    "ขออภัยค่ะ คู่สายทั้งหมดไม่ว่าง กรุณาโทรใหม่ในอีกไม่กี่นาที สวัสดีค่ะ",
    "ขออภัยค่ะ จำเป็นต้องสิ้นสุดการสนทนานี้แล้ว กรุณาโทรใหม่อีกครั้ง สวัสดีค่ะ",
    "การสนทนานี้มีการบันทึกเสียงค่ะ",
    "การเชื่อมต่อกับเจ้าหน้าที่ขาดหายไป กรุณาถือสายรอสักครู่ เรากำลังเชื่อมต่อให้คุณอีกครั้งค่ะ",
];
pub static INDONESIAN: Sentences = [
    "Mohon tunggu sebentar. Kami sedang menghubungkan Anda dengan juru bahasa dan petugas.",
    "Panggilan telah berakhir. Terima kasih dan sampai jumpa.",
    "Mohon maaf, saat ini tidak ada petugas yang tersedia. Silakan telepon lagi nanti. Sampai jumpa.",
    "Mohon maaf, panggilan Anda terputus karena masalah teknis. Silakan telepon lagi. Sampai jumpa.",
    "Mohon maaf, semua saluran kami sedang sibuk. Silakan telepon lagi beberapa menit lagi. Sampai jumpa.",
    "Mohon maaf, panggilan ini harus diakhiri sekarang. Silakan telepon lagi. Sampai jumpa.",
    "Panggilan ini direkam.",
    "Sambungan dengan petugas terputus. Mohon jangan tutup telepon, kami sedang menghubungkan Anda kembali.",
];
pub static MALAY: Sentences = [
    "Sila tunggu sebentar. Kami sedang menyambungkan anda dengan jurubahasa dan ejen.",
    "Panggilan telah tamat. Terima kasih dan selamat tinggal.",
    "Maaf, tiada sesiapa yang dapat menjawab sekarang. Sila hubungi semula kemudian. Selamat tinggal.",
    "Maaf, panggilan anda terputus kerana masalah teknikal. Sila hubungi semula. Selamat tinggal.",
    "Maaf, semua talian kami sedang sibuk. Sila hubungi semula dalam beberapa minit lagi. Selamat tinggal.",
    "Maaf, panggilan ini perlu ditamatkan sekarang. Sila hubungi semula. Selamat tinggal.",
    "Panggilan ini dirakam.",
    "Sambungan dengan ejen anda telah terputus. Sila tunggu di talian, kami sedang menyambungkan anda semula.",
];
pub static TAGALOG: Sentences = [
    "Sandali lang po. Ikinokonekta po namin kayo sa isang interpreter at isang ahente.",
    "Tapos na po ang tawag. Maraming salamat po at paalam.",
    "Paumanhin po, walang makasagot sa ngayon. Tumawag po ulit mamaya. Paalam.",
    "Paumanhin po, naputol ang inyong tawag dahil sa problemang teknikal. Tumawag po ulit. Paalam.",
    "Paumanhin po, abala ang lahat ng aming linya. Tumawag po ulit pagkalipas ng ilang minuto. Paalam.",
    "Paumanhin po, kailangang tapusin na ang tawag na ito. Tumawag po ulit. Paalam.",
    "Nire-record po ang tawag na ito.",
    "Naputol po ang koneksyon sa inyong ahente. Huwag po ninyong ibaba ang telepono, ikinokonekta po namin kayong muli.",
];
pub static HINDI: Sentences = [
    "कृपया एक क्षण रुकें। हम आपको एक दुभाषिए और एजेंट से जोड़ रहे हैं।",
    "कॉल समाप्त हो गई है। धन्यवाद, नमस्ते।",
    "क्षमा करें, अभी कोई उपलब्ध नहीं है। कृपया बाद में फिर कॉल करें। नमस्ते।",
    "क्षमा करें, तकनीकी समस्या के कारण आपकी कॉल कट गई। कृपया फिर से कॉल करें। नमस्ते।",
    "क्षमा करें, हमारी सभी लाइनें व्यस्त हैं। कृपया कुछ मिनट बाद फिर कॉल करें। नमस्ते।",
    "क्षमा करें, हमें यह कॉल अब समाप्त करनी होगी। कृपया फिर से कॉल करें। नमस्ते।",
    "यह कॉल रिकॉर्ड की जा रही है।",
    "एजेंट से आपका संपर्क टूट गया है। कृपया लाइन पर बने रहें, हम आपको फिर से जोड़ रहे हैं।",
];
pub static MARATHI: Sentences = [
    "कृपया एक क्षण थांबा. आम्ही आपल्याला दुभाष्याशी आणि प्रतिनिधीशी जोडत आहोत.",
    "कॉल संपला आहे. धन्यवाद, नमस्कार.",
    "क्षमस्व, सध्या कोणीही उपलब्ध नाही. कृपया नंतर पुन्हा कॉल करा. नमस्कार.",
    "क्षमस्व, तांत्रिक अडचणीमुळे आपला कॉल खंडित झाला. कृपया पुन्हा कॉल करा. नमस्कार.",
    "क्षमस्व, आमच्या सर्व लाइन व्यस्त आहेत. कृपया काही मिनिटांनी पुन्हा कॉल करा. नमस्कार.",
    "क्षमस्व, हा कॉल आता संपवावा लागत आहे. कृपया पुन्हा कॉल करा. नमस्कार.",
    "हा कॉल रेकॉर्ड केला जात आहे.",
    "प्रतिनिधीशी असलेला आपला संपर्क तुटला आहे. कृपया फोन चालू ठेवा, आम्ही आपल्याला पुन्हा जोडत आहोत.",
];
pub static BENGALI: Sentences = [
    "অনুগ্রহ করে একটু অপেক্ষা করুন। আমরা আপনাকে একজন দোভাষী ও একজন প্রতিনিধির সঙ্গে সংযুক্ত করছি।",
    "কল শেষ হয়েছে। ধন্যবাদ, ভালো থাকবেন।",
    "দুঃখিত, এই মুহূর্তে কাউকে পাওয়া যাচ্ছে না। অনুগ্রহ করে পরে আবার কল করুন। ভালো থাকবেন।",
    "দুঃখিত, প্রযুক্তিগত সমস্যার কারণে আপনার কলটি কেটে গেছে। অনুগ্রহ করে আবার কল করুন। ভালো থাকবেন।",
    "দুঃখিত, আমাদের সব লাইন ব্যস্ত। অনুগ্রহ করে কয়েক মিনিট পরে আবার কল করুন। ভালো থাকবেন।",
    "দুঃখিত, এই কলটি এখন শেষ করতে হবে। অনুগ্রহ করে আবার কল করুন। ভালো থাকবেন।",
    "এই কলটি রেকর্ড করা হচ্ছে।",
    "প্রতিনিধির সঙ্গে আপনার সংযোগ বিচ্ছিন্ন হয়েছে। অনুগ্রহ করে লাইনে থাকুন, আমরা আপনাকে আবার সংযুক্ত করছি।",
];
pub static PUNJABI: Sentences = [
    "ਕਿਰਪਾ ਕਰਕੇ ਇੱਕ ਪਲ ਉਡੀਕ ਕਰੋ। ਅਸੀਂ ਤੁਹਾਨੂੰ ਇੱਕ ਦੁਭਾਸ਼ੀਏ ਅਤੇ ਇੱਕ ਏਜੰਟ ਨਾਲ ਜੋੜ ਰਹੇ ਹਾਂ।",
    "ਕਾਲ ਸਮਾਪਤ ਹੋ ਗਈ ਹੈ। ਧੰਨਵਾਦ, ਅਲਵਿਦਾ।",
    "ਮਾਫ਼ ਕਰਨਾ, ਇਸ ਵੇਲੇ ਕੋਈ ਉਪਲਬਧ ਨਹੀਂ ਹੈ। ਕਿਰਪਾ ਕਰਕੇ ਬਾਅਦ ਵਿੱਚ ਦੁਬਾਰਾ ਕਾਲ ਕਰੋ। ਧੰਨਵਾਦ।",
    "ਮਾਫ਼ ਕਰਨਾ, ਤਕਨੀਕੀ ਸਮੱਸਿਆ ਕਾਰਨ ਤੁਹਾਡੀ ਕਾਲ ਕੱਟ ਗਈ ਹੈ। ਕਿਰਪਾ ਕਰਕੇ ਦੁਬਾਰਾ ਕਾਲ ਕਰੋ। ਧੰਨਵਾਦ।",
    "ਮਾਫ਼ ਕਰਨਾ, ਸਾਡੀਆਂ ਸਾਰੀਆਂ ਲਾਈਨਾਂ ਵਿਅਸਤ ਹਨ। ਕਿਰਪਾ ਕਰਕੇ ਕੁਝ ਮਿੰਟਾਂ ਬਾਅਦ ਦੁਬਾਰਾ ਕਾਲ ਕਰੋ। ਧੰਨਵਾਦ।",
    "ਮਾਫ਼ ਕਰਨਾ, ਇਹ ਕਾਲ ਹੁਣ ਸਮਾਪਤ ਕਰਨੀ ਪਵੇਗੀ। ਕਿਰਪਾ ਕਰਕੇ ਦੁਬਾਰਾ ਕਾਲ ਕਰੋ। ਧੰਨਵਾਦ।",
    "ਇਹ ਕਾਲ ਰਿਕਾਰਡ ਕੀਤੀ ਜਾ ਰਹੀ ਹੈ।",
    "ਏਜੰਟ ਨਾਲ ਤੁਹਾਡਾ ਸੰਪਰਕ ਟੁੱਟ ਗਿਆ ਹੈ। ਕਿਰਪਾ ਕਰਕੇ ਲਾਈਨ 'ਤੇ ਰਹੋ, ਅਸੀਂ ਤੁਹਾਨੂੰ ਦੁਬਾਰਾ ਜੋੜ ਰਹੇ ਹਾਂ।",
];
pub static GUJARATI: Sentences = [
    "કૃપા કરીને એક ક્ષણ રાહ જુઓ. અમે તમને દુભાષિયા અને એજન્ટ સાથે જોડી રહ્યા છીએ.",
    "કૉલ સમાપ્ત થયો છે. આભાર, આવજો.",
    "માફ કરશો, અત્યારે કોઈ ઉપલબ્ધ નથી. કૃપા કરીને પછીથી ફરી કૉલ કરો. આવજો.",
    "માફ કરશો, તકનીકી સમસ્યાને કારણે તમારો કૉલ કપાઈ ગયો. કૃપા કરીને ફરી કૉલ કરો. આવજો.",
    "માફ કરશો, અમારી બધી લાઇનો વ્યસ્ત છે. કૃપા કરીને થોડી મિનિટો પછી ફરી કૉલ કરો. આવજો.",
    "માફ કરશો, આ કૉલ હવે સમાપ્ત કરવો પડશે. કૃપા કરીને ફરી કૉલ કરો. આવજો.",
    "આ કૉલ રેકોર્ડ કરવામાં આવી રહ્યો છે.",
    "એજન્ટ સાથેનો તમારો સંપર્ક તૂટી ગયો છે. કૃપા કરીને લાઇન પર રહો, અમે તમને ફરીથી જોડી રહ્યા છીએ.",
];
pub static TAMIL: Sentences = [
    "தயவுசெய்து சற்று காத்திருங்கள். உங்களை ஒரு மொழிபெயர்ப்பாளருடனும் ஒரு முகவருடனும் இணைக்கிறோம்.",
    "அழைப்பு முடிந்தது. நன்றி, வணக்கம்.",
    "மன்னிக்கவும், தற்போது பேச யாரும் இல்லை. தயவுசெய்து பிறகு மீண்டும் அழையுங்கள். வணக்கம்.",
    "மன்னிக்கவும், தொழில்நுட்பக் கோளாறால் உங்கள் அழைப்பு துண்டிக்கப்பட்டது. தயவுசெய்து மீண்டும் அழையுங்கள். வணக்கம்.",
    "மன்னிக்கவும், எங்கள் இணைப்புகள் அனைத்தும் பயன்பாட்டில் உள்ளன. தயவுசெய்து சில நிமிடங்களில் மீண்டும் அழையுங்கள். வணக்கம்.",
    "மன்னிக்கவும், இந்த அழைப்பை இப்போது முடிக்க வேண்டியுள்ளது. தயவுசெய்து மீண்டும் அழையுங்கள். வணக்கம்.",
    "இந்த அழைப்பு ஒலிப்பதிவு செய்யப்படுகிறது.",
    "முகவருடனான உங்கள் இணைப்பு துண்டிக்கப்பட்டது. தயவுசெய்து இணைப்பிலேயே இருங்கள், மீண்டும் இணைக்கிறோம்.",
];
pub static TELUGU: Sentences = [
    "దయచేసి ఒక్క క్షణం ఆగండి. మిమ్మల్ని ఒక దుబాసీతో, ఒక ప్రతినిధితో కలుపుతున్నాము.",
    "కాల్ ముగిసింది. ధన్యవాదాలు, నమస్కారం.",
    "క్షమించండి, ప్రస్తుతం ఎవరూ అందుబాటులో లేరు. దయచేసి తర్వాత మళ్లీ కాల్ చేయండి. నమస్కారం.",
    "క్షమించండి, సాంకేతిక సమస్య వల్ల మీ కాల్ ఆగిపోయింది. దయచేసి మళ్లీ కాల్ చేయండి. నమస్కారం.",
    "క్షమించండి, మా లైన్లన్నీ బిజీగా ఉన్నాయి. దయచేసి కొన్ని నిమిషాల తర్వాత మళ్లీ కాల్ చేయండి. నమస్కారం.",
    "క్షమించండి, ఈ కాల్ ఇప్పుడు ముగించాల్సి ఉంది. దయచేసి మళ్లీ కాల్ చేయండి. నమస్కారం.",
    "ఈ కాల్ రికార్డ్ చేయబడుతోంది.",
    "ప్రతినిధితో మీ కనెక్షన్ తెగిపోయింది. దయచేసి లైన్లో ఉండండి, మిమ్మల్ని మళ్ళీ కలుపుతున్నాము.",
];
pub static KANNADA: Sentences = [
    "ದಯವಿಟ್ಟು ಒಂದು ಕ್ಷಣ ಕಾಯಿರಿ. ನಿಮ್ಮನ್ನು ದುಭಾಷಿ ಮತ್ತು ಪ್ರತಿನಿಧಿಯೊಂದಿಗೆ ಸಂಪರ್ಕಿಸುತ್ತಿದ್ದೇವೆ.",
    "ಕರೆ ಮುಕ್ತಾಯವಾಗಿದೆ. ಧನ್ಯವಾದಗಳು, ನಮಸ್ಕಾರ.",
    "ಕ್ಷಮಿಸಿ, ಸದ್ಯಕ್ಕೆ ಯಾರೂ ಲಭ್ಯವಿಲ್ಲ. ದಯವಿಟ್ಟು ನಂತರ ಮತ್ತೆ ಕರೆ ಮಾಡಿ. ನಮಸ್ಕಾರ.",
    "ಕ್ಷಮಿಸಿ, ತಾಂತ್ರಿಕ ಸಮಸ್ಯೆಯಿಂದ ನಿಮ್ಮ ಕರೆ ಕಡಿತಗೊಂಡಿದೆ. ದಯವಿಟ್ಟು ಮತ್ತೆ ಕರೆ ಮಾಡಿ. ನಮಸ್ಕಾರ.",
    "ಕ್ಷಮಿಸಿ, ನಮ್ಮ ಎಲ್ಲಾ ದೂರವಾಣಿ ಮಾರ್ಗಗಳು ಕಾರ್ಯನಿರತವಾಗಿವೆ. ದಯವಿಟ್ಟು ಕೆಲವು ನಿಮಿಷಗಳ ನಂತರ ಮತ್ತೆ ಕರೆ ಮಾಡಿ. ನಮಸ್ಕಾರ.",
    "ಕ್ಷಮಿಸಿ, ಈ ಕರೆಯನ್ನು ಈಗ ಮುಗಿಸಬೇಕಾಗಿದೆ. ದಯವಿಟ್ಟು ಮತ್ತೆ ಕರೆ ಮಾಡಿ. ನಮಸ್ಕಾರ.",
    "ಈ ಕರೆಯನ್ನು ರೆಕಾರ್ಡ್ ಮಾಡಲಾಗುತ್ತಿದೆ.",
    "ಪ್ರತಿನಿಧಿಯೊಂದಿಗಿನ ನಿಮ್ಮ ಸಂಪರ್ಕ ಕಡಿತವಾಗಿದೆ. ದಯವಿಟ್ಟು ಕರೆಯಲ್ಲೇ ಇರಿ, ನಿಮ್ಮನ್ನು ಮತ್ತೆ ಸಂಪರ್ಕಿಸುತ್ತಿದ್ದೇವೆ.",
];
pub static MALAYALAM: Sentences = [
    "ദയവായി ഒരു നിമിഷം കാത്തിരിക്കൂ. നിങ്ങളെ ഒരു ദ്വിഭാഷിയുമായും ഒരു പ്രതിനിധിയുമായും ബന്ധിപ്പിക്കുകയാണ്.",
    "കോൾ അവസാനിച്ചു. നന്ദി, നമസ്കാരം.",
    "ക്ഷമിക്കണം, ഇപ്പോൾ ആരും ലഭ്യമല്ല. ദയവായി പിന്നീട് വീണ്ടും വിളിക്കുക. നമസ്കാരം.",
    "ക്ഷമിക്കണം, സാങ്കേതിക പ്രശ്നം കാരണം നിങ്ങളുടെ കോൾ മുറിഞ്ഞുപോയി. ദയവായി വീണ്ടും വിളിക്കുക. നമസ്കാരം.",
    "ക്ഷമിക്കണം, ഞങ്ങളുടെ എല്ലാ ലൈനുകളും തിരക്കിലാണ്. ദയവായി ഏതാനും മിനിറ്റുകൾക്കു ശേഷം വീണ്ടും വിളിക്കുക. നമസ്കാരം.",
    "ക്ഷമിക്കണം, ഈ കോൾ ഇപ്പോൾ അവസാനിപ്പിക്കേണ്ടതുണ്ട്. ദയവായി വീണ്ടും വിളിക്കുക. നമസ്കാരം.",
    "ഈ കോൾ റെക്കോർഡ് ചെയ്യുന്നുണ്ട്.",
    "പ്രതിനിധിയുമായുള്ള നിങ്ങളുടെ ബന്ധം വിച്ഛേദിക്കപ്പെട്ടു. ദയവായി ലൈനിൽ തുടരുക, വീണ്ടും ബന്ധിപ്പിക്കുകയാണ്.",
];
pub static TURKISH: Sentences = [
    "Lütfen bir dakika bekleyin. Sizi bir tercümana ve bir müşteri temsilcisine bağlıyoruz.",
    "Görüşme sona erdi. Teşekkür ederiz, hoşça kalın.",
    "Üzgünüz, şu anda müsait kimse yok. Lütfen daha sonra tekrar arayın. Hoşça kalın.",
    "Üzgünüz, teknik bir sorun nedeniyle görüşmeniz kesildi. Lütfen tekrar arayın. Hoşça kalın.",
    "Üzgünüz, tüm hatlarımız dolu. Lütfen birkaç dakika sonra tekrar arayın. Hoşça kalın.",
    "Üzgünüz, bu görüşmenin şimdi sona ermesi gerekiyor. Lütfen tekrar arayın. Hoşça kalın.",
    "Bu görüşme kayda alınmaktadır.",
    "Müşteri temsilcisiyle bağlantınız kesildi. Lütfen hatta kalın, sizi yeniden bağlıyoruz.",
];
pub static ARABIC: Sentences = [
    "لحظة من فضلك. نقوم بتوصيلك بمترجم فوري وأحد موظفينا.",
    "انتهت المكالمة. شكراً لك، مع السلامة.",
    "نأسف، لا يوجد أحد متاح الآن. يرجى الاتصال لاحقاً. مع السلامة.",
    "نأسف، انقطعت مكالمتك بسبب مشكلة فنية. يرجى الاتصال مرة أخرى. مع السلامة.",
    "نأسف، جميع خطوطنا مشغولة. يرجى الاتصال بعد بضع دقائق. مع السلامة.",
    "نأسف، يجب أن تنتهي هذه المكالمة الآن. يرجى الاتصال مرة أخرى. مع السلامة.",
    "يتم تسجيل هذه المكالمة.",
    "انقطع الاتصال بالموظف. يرجى البقاء على الخط، نقوم بإعادة توصيلك.",
];
pub static HEBREW: Sentences = [
    "רק רגע, בבקשה. אנחנו מחברים אותך למתורגמן ולנציג.",
    "השיחה הסתיימה. תודה ולהתראות.",
    "אנו מצטערים, אין כרגע נציג פנוי. נא להתקשר שוב מאוחר יותר. להתראות.",
    "אנו מצטערים, השיחה נותקה עקב תקלה טכנית. נא להתקשר שוב. להתראות.",
    "אנו מצטערים, כל הקווים שלנו תפוסים. נא להתקשר שוב בעוד כמה דקות. להתראות.",
    "אנו מצטערים, עלינו לסיים את השיחה כעת. נא להתקשר שוב. להתראות.",
    "שיחה זו מוקלטת.",
    "החיבור לנציג נותק. נא להישאר על הקו, אנחנו מחברים אותך מחדש.",
];
pub static AMHARIC: Sentences = [
    "እባክዎ ጥቂት ይጠብቁ። ከአስተርጓሚ እና ከሠራተኛ ጋር እያገናኘንዎት ነው።",
    "ጥሪው አብቅቷል። እናመሰግናለን፣ ደህና ይሁኑ።",
    "ይቅርታ፣ በአሁኑ ጊዜ ማንም ሊያነጋግርዎ አይችልም። እባክዎ ቆይተው እንደገና ይደውሉ። ደህና ይሁኑ።",
    "ይቅርታ፣ ጥሪዎ በቴክኒክ ችግር ምክንያት ተቋርጧል። እባክዎ እንደገና ይደውሉ። ደህና ይሁኑ።",
    "ይቅርታ፣ ሁሉም መስመሮቻችን ተይዘዋል። እባክዎ ከጥቂት ደቂቃዎች በኋላ እንደገና ይደውሉ። ደህና ይሁኑ።",
    "ይቅርታ፣ ይህ ጥሪ አሁን ማብቃት አለበት። እባክዎ እንደገና ይደውሉ። ደህና ይሁኑ።",
    "ይህ ጥሪ እየተቀዳ ነው።",
    "ከሠራተኛው ጋር የነበረው ግንኙነት ተቋርጧል። እባክዎ መስመር ላይ ይቆዩ፣ እንደገና እያገናኘንዎት ነው።",
];
pub static AFRIKAANS: Sentences = [
    "Een oomblik, asseblief. Ons verbind u met 'n tolk en 'n agent.",
    "Die oproep is beëindig. Dankie, en totsiens.",
    "Ons is jammer, niemand is op die oomblik beskikbaar nie. Bel asseblief later weer. Totsiens.",
    "Ons is jammer, 'n tegniese probleem het u oproep onderbreek. Bel asseblief weer. Totsiens.",
    "Ons is jammer, al ons lyne is beset. Bel asseblief oor 'n paar minute weer. Totsiens.",
    "Ons is jammer, hierdie oproep moet nou eindig. Bel asseblief weer. Totsiens.",
    "Hierdie oproep word opgeneem.",
    "Die verbinding met u agent is verbreek. Bly asseblief aan die lyn, ons verbind u weer.",
];
