//! The few words of the pages, in the languages that we speak.

/// The words of one language.
#[derive(Debug)]
pub struct Words {
    /// BCP 47.
    pub tag: &'static str,
    /// The title of the first page.
    pub upcoming: &'static str,
    /// When there are none.
    pub nothing: &'static str,
    pub next_page: &'static str,
    pub first_page: &'static str,
    pub when: &'static str,
    pub place: &'static str,
    pub about: &'static str,
    pub page_of_event: &'static str,
    pub categories: &'static str,
    pub cancelled: &'static str,
    pub tentative: &'static str,
    pub all_day: &'static str,
    pub your_time: &'static str,
    pub more_dates: &'static str,
    pub no_more_dates: &'static str,
    pub and_more: &'static str,
    pub add: &'static str,
    pub subscribe: &'static str,
    pub all_events: &'static str,
    pub for_programs: &'static str,
    pub skip: &'static str,
    pub language: &'static str,
    pub not_found: &'static str,
    pub not_found_text: &'static str,
    pub later: &'static str,
    pub later_text: &'static str,
    pub weekdays: [&'static str; 7],
    pub months: [&'static str; 12],
}

static ENGLISH: Words = Words {
    tag: "en",
    upcoming: "Upcoming events",
    nothing: "There are no upcoming public events.",
    next_page: "Later events",
    first_page: "Back to the next events",
    when: "When",
    place: "Where",
    about: "About",
    page_of_event: "Web page",
    categories: "Categories",
    cancelled: "Cancelled",
    tentative: "Tentative",
    all_day: "all day",
    your_time: "local time, wherever you are",
    more_dates: "Next dates",
    no_more_dates: "There are no further dates.",
    and_more: "and more",
    add: "Add to your calendar (.ics)",
    subscribe: "Subscribe to the whole calendar (.ics)",
    all_events: "All upcoming events",
    for_programs: "For programs: API documentation",
    skip: "Skip to the content",
    language: "Language",
    not_found: "Not found",
    not_found_text: "There is no such page, or it is not public.",
    later: "Please try again",
    later_text: "The server is busy. Try again in a moment.",
    weekdays: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
};

static GERMAN: Words = Words {
    tag: "de",
    upcoming: "Nächste Veranstaltungen",
    nothing: "Es stehen keine öffentlichen Veranstaltungen an.",
    next_page: "Spätere Veranstaltungen",
    first_page: "Zurück zu den nächsten",
    when: "Wann",
    place: "Wo",
    about: "Worum es geht",
    page_of_event: "Webseite",
    categories: "Kategorien",
    cancelled: "Abgesagt",
    tentative: "Provisorisch",
    all_day: "ganztägig",
    your_time: "Ortszeit, wo immer Sie sind",
    more_dates: "Nächste Termine",
    no_more_dates: "Es gibt keine weiteren Termine.",
    and_more: "und weitere",
    add: "In Ihren Kalender übernehmen (.ics)",
    subscribe: "Den ganzen Kalender abonnieren (.ics)",
    all_events: "Alle nächsten Veranstaltungen",
    for_programs: "Für Programme: API-Dokumentation",
    skip: "Zum Inhalt springen",
    language: "Sprache",
    not_found: "Nicht gefunden",
    not_found_text: "Diese Seite gibt es nicht, oder sie ist nicht öffentlich.",
    later: "Bitte versuchen Sie es noch einmal",
    later_text: "Der Server ist ausgelastet. Versuchen Sie es gleich noch einmal.",
    weekdays: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
};

static FRENCH: Words = Words {
    tag: "fr",
    upcoming: "Prochains événements",
    nothing: "Aucun événement public n’est prévu.",
    next_page: "Événements suivants",
    first_page: "Retour aux prochains événements",
    when: "Quand",
    place: "Où",
    about: "À propos",
    page_of_event: "Page web",
    categories: "Catégories",
    cancelled: "Annulé",
    tentative: "Provisoire",
    all_day: "toute la journée",
    your_time: "heure locale, où que vous soyez",
    more_dates: "Prochaines dates",
    no_more_dates: "Il n’y a plus d’autres dates.",
    and_more: "et d’autres",
    add: "Ajouter à votre agenda (.ics)",
    subscribe: "S’abonner à tout le calendrier (.ics)",
    all_events: "Tous les prochains événements",
    for_programs: "Pour les programmes : documentation de l’API",
    skip: "Aller au contenu",
    language: "Langue",
    not_found: "Introuvable",
    not_found_text: "Cette page n’existe pas, ou elle n’est pas publique.",
    later: "Veuillez réessayer",
    later_text: "Le serveur est occupé. Réessayez dans un instant.",
    weekdays: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
};

impl Words {
    /// The words of a language tag such as `de-CH`; English for those that we do not speak.
    pub fn of(tag: &str) -> &'static Words {
        Words::known(tag).unwrap_or(&ENGLISH)
    }

    /// Whether we speak it.
    pub fn speaks(tag: &str) -> bool {
        Words::known(tag).is_some()
    }

    fn known(tag: &str) -> Option<&'static Words> {
        let first = tag.split(['-', '_']).next().unwrap_or_default();
        [&ENGLISH, &GERMAN, &FRENCH].into_iter().find(|words| words.tag.eq_ignore_ascii_case(first))
    }
}
