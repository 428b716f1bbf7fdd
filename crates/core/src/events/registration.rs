use jiff::Timestamp;
use kalends_kernel::fields::{Fields, Text};
use serde::{Deserialize, Serialize};

/// How the seats of an event are given. Kept and versioned; registering itself comes with registrations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Registration {
    /// Whether people can register.
    pub enabled: bool,
    /// From when; none from publication on.
    pub opens_at: Option<Timestamp>,
    /// Until when; none until the start.
    pub closes_at: Option<Timestamp>,
    /// Whether there is a waiting list when it is full.
    pub waitlist: bool,
    /// Whether somebody must approve each.
    pub approval: bool,
    /// How many seats one registration may claim.
    pub max_seats: i64,
    /// Whether each date of a series has its own seats.
    pub per_instance: bool,
    /// What a seat costs; none for nothing.
    pub price: Option<Price>,
    /// At how many free seats a notice goes out.
    pub near_full_threshold: i64,
}

/// An amount of money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Price {
    /// In the currency's smallest unit.
    pub amount_minor: i64,
    /// ISO 4217, such as CHF.
    pub currency: String,
}

impl Default for Registration {
    fn default() -> Self {
        Registration {
            enabled: false,
            opens_at: None,
            closes_at: None,
            waitlist: true,
            approval: false,
            max_seats: 10,
            per_instance: false,
            price: None,
            near_full_threshold: 2,
        }
    }
}

impl Registration {
    /// Reads the object `registration`; what is left out has its default.
    pub fn read(fields: &mut Fields) -> Registration {
        let default = Registration::default();
        let Some(value) = fields.value("registration") else { return default };
        let mut inner = match Fields::of(value, "/registration") {
            Ok(inner) => inner,
            Err(invalid) => {
                fields.append(invalid);
                return default;
            }
        };
        let instant = |inner: &mut Fields, name| {
            inner.parsed(name, "not-an-instant", |text| {
                text.parse::<Timestamp>()
                    .map_err(|_| "must be an instant with an offset such as 2027-03-28T09:00:00+02:00")
            })
        };
        let opens_at = instant(&mut inner, "opens_at");
        let closes_at = instant(&mut inner, "closes_at");
        if let (Some(opens), Some(closes)) = (opens_at, closes_at)
            && closes < opens
        {
            inner.error("closes_at", "before-opening", "must not be before opens_at");
        }
        let registration = Registration {
            enabled: inner.boolean("enabled").unwrap_or(default.enabled),
            opens_at,
            closes_at,
            waitlist: inner.boolean("waitlist").unwrap_or(default.waitlist),
            approval: inner.boolean("approval").unwrap_or(default.approval),
            max_seats: inner.integer("max_seats", 1, 10_000).unwrap_or(default.max_seats),
            per_instance: inner.boolean("per_instance").unwrap_or(default.per_instance),
            price: Price::read(&mut inner),
            near_full_threshold: inner
                .integer("near_full_threshold", 0, 10_000_000)
                .unwrap_or(default.near_full_threshold),
        };
        fields.append(inner.finish());
        registration
    }
}

impl Price {
    fn read(fields: &mut Fields) -> Option<Price> {
        let value = fields.value("price")?;
        let mut inner = match Fields::of(value, "/registration/price") {
            Ok(inner) => inner,
            Err(invalid) => {
                fields.append(invalid);
                return None;
            }
        };
        let amount = inner.integer("amount_minor", 0, 1_000_000_000_000);
        let amount = inner.require("amount_minor", amount);
        let currency = inner.text("currency", Text::line(3));
        let currency = inner.require("currency", currency);
        if currency.as_ref().is_some_and(|text| text.len() != 3 || !text.bytes().all(|b| b.is_ascii_uppercase())) {
            inner.error("currency", "not-a-currency", "must be three capital letters (ISO 4217), such as CHF");
        }
        fields.append(inner.finish());
        Some(Price { amount_minor: amount?, currency: currency? })
    }
}
