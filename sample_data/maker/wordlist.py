"""Words of page furniture (menus, footers, buttons) per language, so that a Thai page has a Thai menu.

Order of each row: home, about, contact, search, related, share, newsletter line, cookie line, rights, comments.
"""

# ruff: noqa: E501  (one row per language)

NAMES = ("home", "about", "contact", "search", "related", "share", "letter", "cookie", "rights", "comments")

_ROWS: dict[str, tuple[str, ...]] = {
    "en": ("Home", "About", "Contact", "Search", "Related pages", "Share", "Get new pages by email once a month.",
           "This site uses cookies to remember your settings.", "All rights reserved", "Comments"),
    "zh-Hans": ("首页", "关于", "联系我们", "搜索", "相关文章", "分享", "每月一次，把新文章寄到您的邮箱。",
                "本站使用 Cookie 记住您的设置。", "版权所有", "评论"),
    "zh-Hant": ("首頁", "關於", "聯絡我們", "搜尋", "相關文章", "分享", "每月一次，把新文章寄到您的信箱。",
                "本站使用 Cookie 記住您的設定。", "版權所有", "留言"),
    "ja": ("ホーム", "このサイトについて", "お問い合わせ", "検索", "関連記事", "共有", "新着記事を月に一度お届けします。",
           "このサイトは設定を覚えるためにクッキーを使います。", "無断転載を禁じます", "コメント"),
    "ko": ("홈", "소개", "문의", "검색", "관련 글", "공유", "새 글을 한 달에 한 번 이메일로 보내 드립니다.",
           "이 사이트는 설정을 기억하기 위해 쿠키를 사용합니다.", "모든 권리 보유", "댓글"),
    "th": ("หน้าแรก", "เกี่ยวกับ", "ติดต่อ", "ค้นหา", "หน้าที่เกี่ยวข้อง", "แบ่งปัน", "รับบทความใหม่ทางอีเมลเดือนละครั้ง",
           "เว็บไซต์นี้ใช้คุกกี้เพื่อจำการตั้งค่าของคุณ", "สงวนลิขสิทธิ์", "ความคิดเห็น"),
    "ar": ("الرئيسية", "من نحن", "اتصل بنا", "بحث", "صفحات ذات صلة", "مشاركة", "صفحات جديدة في بريدك مرة كل شهر.",
           "يستخدم هذا الموقع ملفات تعريف الارتباط لحفظ إعداداتك.", "جميع الحقوق محفوظة", "تعليقات"),
    "ru": ("Главная", "О сайте", "Контакты", "Поиск", "Похожие страницы", "Поделиться", "Новые статьи раз в месяц на почту.",
           "Сайт использует куки, чтобы помнить ваши настройки.", "Все права защищены", "Комментарии"),
    "de": ("Startseite", "Über uns", "Kontakt", "Suche", "Verwandte Seiten", "Teilen", "Neue Seiten einmal im Monat per E-Mail.",
           "Diese Seite verwendet Cookies für Ihre Einstellungen.", "Alle Rechte vorbehalten", "Kommentare"),
    "es": ("Inicio", "Acerca de", "Contacto", "Buscar", "Páginas relacionadas", "Compartir", "Páginas nuevas por correo una vez al mes.",
           "Este sitio usa cookies para recordar sus preferencias.", "Todos los derechos reservados", "Comentarios"),
    "hi": ("मुखपृष्ठ", "परिचय", "संपर्क", "खोजें", "संबंधित पृष्ठ", "साझा करें", "नए लेख महीने में एक बार ईमेल से पाएँ।",
           "यह साइट आपकी पसंद याद रखने के लिए कुकी का उपयोग करती है।", "सर्वाधिकार सुरक्षित", "टिप्पणियाँ"),
    "fr": ("Accueil", "À propos", "Contact", "Rechercher", "Pages liées", "Partager", "Les nouvelles pages une fois par mois par courriel.",
           "Ce site utilise des cookies pour retenir vos réglages.", "Tous droits réservés", "Commentaires"),
    "pt": ("Início", "Sobre", "Contato", "Buscar", "Páginas relacionadas", "Compartilhar", "Páginas novas por e-mail uma vez por mês.",
           "Este site usa cookies para lembrar suas preferências.", "Todos os direitos reservados", "Comentários"),
    "tr": ("Ana sayfa", "Hakkında", "İletişim", "Ara", "İlgili sayfalar", "Paylaş", "Yeni yazılar ayda bir e-postanıza gelsin.",
           "Bu site ayarlarınızı hatırlamak için çerez kullanır.", "Tüm hakları saklıdır", "Yorumlar"),
    "pl": ("Strona główna", "O stronie", "Kontakt", "Szukaj", "Powiązane strony", "Udostępnij", "Nowe teksty raz w miesiącu pocztą.",
           "Ta strona używa ciasteczek, aby pamiętać ustawienia.", "Wszelkie prawa zastrzeżone", "Komentarze"),
    "vi": ("Trang chủ", "Giới thiệu", "Liên hệ", "Tìm kiếm", "Bài liên quan", "Chia sẻ", "Nhận bài mới qua thư mỗi tháng một lần.",
           "Trang này dùng cookie để nhớ thiết lập của bạn.", "Giữ mọi quyền", "Bình luận"),
    "it": ("Home", "Chi siamo", "Contatti", "Cerca", "Pagine correlate", "Condividi", "Le nuove pagine per posta una volta al mese.",
           "Questo sito usa i cookie per ricordare le preferenze.", "Tutti i diritti riservati", "Commenti"),
    "nl": ("Startpagina", "Over ons", "Contact", "Zoeken", "Verwante pagina's", "Delen", "Nieuwe pagina's eens per maand per e-mail.",
           "Deze site gebruikt cookies om uw keuzes te onthouden.", "Alle rechten voorbehouden", "Reacties"),
    "el": ("Αρχική", "Σχετικά", "Επικοινωνία", "Αναζήτηση", "Σχετικές σελίδες", "Κοινοποίηση", "Νέες σελίδες μία φορά τον μήνα στο ταχυδρομείο σας.",
           "Ο ιστότοπος χρησιμοποιεί cookies για να θυμάται τις ρυθμίσεις σας.", "Με την επιφύλαξη κάθε δικαιώματος", "Σχόλια"),
    "sw": ("Mwanzo", "Kuhusu", "Wasiliana nasi", "Tafuta", "Kurasa zinazohusiana", "Shiriki", "Pata kurasa mpya kwa barua pepe mara moja kwa mwezi.",
           "Tovuti hii hutumia vidakuzi kukumbuka mipangilio yako.", "Haki zote zimehifadhiwa", "Maoni"),
}  # fmt: skip

_TRADITIONAL = ("zh-Hant", "zh-TW", "zh-HK", "zh-MO")


def furniture(language: str) -> dict[str, str]:
    """Menu words of a language; English where the language has no row."""
    base = language.partition("-")[0]
    if base == "zh":
        base = "zh-Hant" if language.startswith(_TRADITIONAL) else "zh-Hans"
    return dict(zip(NAMES, _ROWS.get(base, _ROWS["en"]), strict=True))
