//! What an event looks like to a caller: whole, as anonymous people may see it, or its times alone.

use jiff::tz::TimeZone;
use kalends_core::access::{DetailLevel, Role};
use kalends_core::conflicts::Report;
use kalends_core::events::{
    self, Allowed, Audience, Content, Instance, ListedEvent, Override, Price, Registration, Status, Times, show,
};
use kalends_kernel::{CalendarId, EventId, UserId, VenueId, Zone};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::conflicts::{ClashView, ReportView};
use crate::reply::{Reply, etag};

/// An event or one of its instances, as you may see it.
#[derive(Serialize, ToSchema)]
#[schema(title = "Event", example = json!({
    "id": "01941f29-7c00-7ccc-8000-3d1c7e9a5b10", "uid": "01941f29-7c00-7ccc-8000-3d1c7e9a5b10", "calendar_id": "01941f29-7c00-7aaa-8000-3d1c7e9a5b10",
    "author_id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "title": "Rehearsal", "description": "", "location": "Aula", "venue_id": null, "url": null,
    "categories": ["music"], "start": "2027-03-22T19:30:00+01:00", "end": "2027-03-22T21:00:00+01:00", "time_zone": "Europe/Zurich", "end_time_zone": null,
    "floating": false, "all_day": false, "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO"],
    "overrides": [{"original_start": "2027-04-05T19:30:00+02:00", "cancelled": true}], "split_from": null, "reminders": [60], "state": "published",
    "status": "confirmed", "visibility": "public", "busy": true, "capacity": null, "seats_taken": 0, "seats_left": null, "waitlist_length": 0,
    "registration": {"enabled": false, "opens_at": null, "closes_at": null, "waitlist": true, "approval": false, "max_seats": 10, "per_instance": false,
        "price": null, "near_full_threshold": 2},
    "audience": null, "meta": {}, "version": 1, "my_role": "owner", "created_at": "2027-01-15T10:00:00Z", "updated_at": "2027-01-15T10:00:00Z", "deleted_at": null
}))]
pub struct EventView {
    /// The id of the event.
    #[schema(value_type = Uuid)]
    id: EventId,
    /// The iCalendar UID; null if you may see only the times.
    #[schema(required)]
    uid: Option<String>,
    /// The calendar of the event.
    #[schema(value_type = Uuid)]
    calendar_id: CalendarId,
    /// The account that created the event; null without sign-in.
    #[schema(value_type = Option<Uuid>, required)]
    author_id: Option<UserId>,
    /// The title; null if you may see only the times.
    #[schema(required)]
    title: Option<String>,
    /// The description; null if you may see only the times.
    #[schema(required)]
    description: Option<String>,
    /// The place as free text; null if you may see only the times.
    #[schema(required)]
    location: Option<String>,
    /// The venue; null without one.
    #[schema(value_type = Option<Uuid>, required)]
    venue_id: Option<VenueId>,
    /// A web page about the event; null without one.
    #[schema(required)]
    url: Option<String>,
    /// The categories.
    categories: Vec<String>,
    /// The start with offset; a date for all-day events; without offset for floating events.
    start: String,
    /// The end (exclusive), in the form of `start`.
    end: String,
    /// The IANA time zone of the local time; null for all-day and floating events.
    #[schema(required)]
    time_zone: Option<String>,
    /// The time zone of the end, if it differs from that of the start.
    #[schema(required)]
    end_time_zone: Option<String>,
    /// Whether the local time applies in every time zone.
    floating: bool,
    /// Whether the event takes whole days.
    all_day: bool,
    /// For an instance: the series that it belongs to.
    #[schema(value_type = Option<Uuid>, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    series_id: Option<EventId>,
    /// For an instance: the start according to the series.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    original_start: Option<String>,
    /// For an instance: whether an override changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    overridden: Option<bool>,
    /// RRULE, RDATE and EXDATE lines (RFC 5545). Omitted for instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recurrence: Option<Vec<String>>,
    /// Changed and cancelled instances. Omitted for instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>, nullable = false)]
    overrides: Option<Vec<Value>>,
    /// The series that this one was split from; null otherwise.
    #[schema(value_type = Option<Uuid>, required)]
    split_from: Option<EventId>,
    /// Minutes before the start.
    reminders: Vec<i64>,
    /// The editorial state.
    state: &'static str,
    /// Whether the event takes place.
    #[schema(value_type = String)]
    status: Status,
    /// Who can see the content.
    visibility: &'static str,
    /// Whether the event makes its people busy.
    busy: bool,
    /// The number of seats; null for no limit.
    #[schema(required)]
    capacity: Option<i64>,
    /// The number of seats that are taken.
    seats_taken: i64,
    /// The number of seats that are left; null for no limit.
    #[schema(required)]
    seats_left: Option<i64>,
    /// The number of people on the waiting list.
    waitlist_length: i64,
    /// The registration settings; null if you may see only the times.
    #[schema(required)]
    registration: Option<RegistrationView>,
    /// The people that the event is for; null without an audience.
    #[schema(required)]
    audience: Option<AudienceView>,
    /// JSON data of other programs.
    #[schema(value_type = Object)]
    meta: Map<String, Value>,
    /// The version. It starts at 1 and grows by 1 with each change.
    version: i64,
    /// Your role on the event; null without sign-in or without a role.
    #[schema(required)]
    my_role: Option<&'static str>,
    /// The instant of creation.
    created_at: String,
    /// The instant of the last change.
    updated_at: String,
    /// The instant at which the event was moved to the trash; null otherwise.
    #[schema(required)]
    deleted_at: Option<String>,
    /// After a write under the policy `warn` or `reject`: the events that take the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conflicts: Option<Vec<ClashView>>,
    /// With `conflicts`: probable duplicates.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    warnings: Option<Vec<ClashView>>,
    /// With `conflicts`: the instant up to which they were checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    checked_until: Option<String>,
}

/// The registration settings of an event.
#[derive(Serialize, ToSchema)]
#[schema(title = "RegistrationSettings")]
pub struct RegistrationView {
    /// Whether people can register.
    enabled: bool,
    /// The instant at which registration opens; null for at once.
    #[schema(required)]
    opens_at: Option<String>,
    /// The instant at which registration closes; null for never.
    #[schema(required)]
    closes_at: Option<String>,
    /// Whether there is a waiting list.
    waitlist: bool,
    /// Whether registrations need approval.
    approval: bool,
    /// The maximum number of seats per registration.
    max_seats: i64,
    /// Whether people register for single instances of a series.
    per_instance: bool,
    /// The price of a seat; null if it is free.
    #[schema(required)]
    price: Option<PriceView>,
    /// The number of remaining seats at which the event counts as nearly full.
    near_full_threshold: i64,
}

/// An amount of money in the currency's smallest unit.
#[derive(Serialize, ToSchema)]
#[schema(title = "Price")]
pub struct PriceView {
    /// The amount in the smallest unit of the currency.
    amount_minor: i64,
    /// The ISO 4217 code of the currency.
    currency: String,
}

/// The people that an event is for.
#[derive(Serialize, ToSchema)]
#[schema(title = "Audience")]
pub struct AudienceView {
    /// The kind of people.
    #[schema(value_type = String)]
    kind: events::AudienceKind,
    /// The departments.
    department_ids: Vec<Uuid>,
    /// The classes.
    classes: Vec<String>,
    /// The groups of classes.
    class_groups: Vec<String>,
    /// The people by account.
    #[schema(value_type = Vec<Uuid>)]
    user_ids: Vec<UserId>,
    /// Whether the event is for classes of both languages.
    both_languages: bool,
}

impl EventView {
    /// An event as the actor who loaded it may see it.
    pub fn of(of: &Allowed) -> EventView {
        let event = &of.event;
        let mut view = EventView::base(of, &event.content);
        view.show_times(&event.content.times, &event.calendar_zone);
        view.recurrence = Some(event.content.recurrence.clone());
        view.overrides = Some(
            event
                .content
                .overrides
                .iter()
                .map(|one| show_override(one, &event.content, &event.calendar_zone, of.grant.sight))
                .collect(),
        );
        view
    }

    /// One instance of an event.
    pub fn of_instance(of: &Allowed, instance: &Instance) -> EventView {
        let event = &of.event;
        let zone = &event.calendar_zone;
        let times = &event.content.times;
        let own = event.content.overridden(instance.original_start).filter(|_| instance.overridden);
        let mut view = match own {
            Some(one) => {
                let content = one.apply(&event.content);
                let mut view = EventView::base(of, &content);
                view.show_times(&content.times, zone);
                view
            }
            None => {
                let mut view = EventView::base(of, &event.content);
                let times = times.begun_at(instance.original_start);
                view.show_times(&times, zone);
                // A period (RDATE;VALUE=PERIOD) has an end of its own.
                if !times.all_day && times.end_instant(zone) != instance.end {
                    view.end = events::show_instant(instance.end, zone_of_end(&times, zone));
                }
                view
            }
        };
        view.series_id = Some(event.id);
        view.overridden = Some(instance.overridden);
        view.original_start = Some(show_original(instance.original_start, times, zone));
        view
    }

    /// A row of a list.
    pub fn of_found(found: &ListedEvent) -> EventView {
        match &found.instance {
            Some(instance) => EventView::of_instance(&found.of, instance),
            None => EventView::of(&found.of),
        }
    }

    /// With what a check for conflicts found, if there was one.
    pub fn with_report(self, report: Option<&Report>) -> EventView {
        let Some(report) = report.map(ReportView::of) else { return self };
        EventView {
            conflicts: Some(report.conflicts),
            warnings: Some(report.warnings),
            checked_until: Some(report.checked_until),
            ..self
        }
    }

    fn base(of: &Allowed, content: &Content) -> EventView {
        let (event, sight) = (&of.event, of.grant.sight);
        let (seen, full) = (sight >= DetailLevel::Public, sight == DetailLevel::Full);
        let text = |text: &String| seen.then(|| text.clone());
        EventView {
            id: event.id,
            uid: text(&event.uid),
            calendar_id: event.calendar_id,
            author_id: full.then_some(event.author_id),
            title: text(&content.title),
            description: text(&content.description),
            location: text(&content.location),
            venue_id: content.venue_id.filter(|_| seen),
            url: content.url.clone().filter(|_| seen),
            categories: if seen { content.categories.clone() } else { Vec::new() },
            start: String::new(),
            end: String::new(),
            time_zone: None,
            end_time_zone: None,
            floating: content.times.floating,
            all_day: content.times.all_day,
            series_id: None,
            original_start: None,
            overridden: None,
            recurrence: None,
            overrides: None,
            split_from: event.split_from.filter(|_| full),
            reminders: if full { content.reminders.clone() } else { Vec::new() },
            state: event.state().name(),
            status: content.status,
            visibility: content.visibility.name(),
            busy: content.busy,
            capacity: content.capacity.filter(|_| seen),
            seats_taken: 0,
            seats_left: content.capacity.filter(|_| seen),
            waitlist_length: 0,
            registration: seen.then(|| RegistrationView::of(&content.registration)),
            audience: content.audience.as_ref().filter(|_| seen).map(|audience| AudienceView::of(audience, full)),
            meta: if full { content.meta.clone() } else { Map::new() },
            version: event.version,
            my_role: of.grant.role.map(Role::name),
            created_at: event.created_at.to_string(),
            updated_at: event.updated_at.to_string(),
            deleted_at: event.deleted_at.map(|at| at.to_string()),
            conflicts: None,
            warnings: None,
            checked_until: None,
        }
    }

    fn show_times(&mut self, times: &Times, zone: &Zone) {
        self.start = show(times.start, times.start_instant(zone), times.time_zone.as_ref(), times.all_day);
        let end_zone = times.end_time_zone.as_ref().or(times.time_zone.as_ref());
        self.end = show(times.end, times.end_instant(zone).max(times.start_instant(zone)), end_zone, times.all_day);
        self.time_zone = times.time_zone.as_ref().map(|zone| zone.name().to_owned());
        self.end_time_zone = times.end_time_zone.as_ref().map(|zone| zone.name().to_owned());
        self.floating = times.floating;
        self.all_day = times.all_day;
    }

    /// Its ETag: the version, and a digest of what else the answer depends on.
    pub fn etag(&self) -> String {
        let projection = if self.title.is_none() {
            "busy"
        } else if self.author_id.is_none() {
            "public"
        } else {
            "full"
        };
        etag(
            self.version,
            &[
                self.my_role.unwrap_or_default(),
                projection,
                &self.seats_taken.to_string(),
                &self.waitlist_length.to_string(),
            ],
        )
    }

    /// The answer with it.
    pub fn reply(&self) -> Reply {
        Reply::ok(self).etag(self.etag())
    }

    /// Its path.
    pub fn path(&self) -> String {
        format!("{}/events/{}", crate::BASE, self.id)
    }
}

fn zone_of_end<'a>(times: &'a Times, calendar: &'a Zone) -> &'a TimeZone {
    times.end_time_zone.as_ref().or(times.time_zone.as_ref()).unwrap_or(calendar).time_zone()
}

/// An original start as JSON gives it: the wall clock of the series with its offset. In a gap of the clock it stays the
/// time that the series says, so that it names its occurrence in paths, too.
pub fn show_original(original: jiff::civil::DateTime, series: &Times, calendar: &Zone) -> String {
    if series.all_day || series.time_zone.is_none() {
        return show(original, series.start_instant(calendar), None, series.all_day);
    }
    events::show_wall(original, series.begun_at(original).start_instant(calendar))
}

fn show_override(one: &Override, content: &Content, calendar: &Zone, sight: DetailLevel) -> Value {
    let mut body = match one.body(content.times.all_day) {
        Value::Object(body) => body,
        _ => Map::new(),
    };
    body.insert("original_start".into(), show_original(one.original_start, &content.times, calendar).into());
    if let Some(times) = &one.times {
        let zone = times.time_zone.as_ref();
        body.insert("start".into(), show(times.start, times.start_instant(calendar), zone, times.all_day).into());
        body.insert(
            "end".into(),
            show(times.end, times.end_instant(calendar), times.end_time_zone.as_ref().or(zone), times.all_day).into(),
        );
    }
    let hidden: &[&str] = match sight {
        DetailLevel::Full => &[],
        DetailLevel::Public => &["meta", "reminders"],
        DetailLevel::Busy => {
            &["title", "description", "location", "venue_id", "url", "categories", "reminders", "capacity", "meta"]
        }
    };
    for name in hidden {
        body.remove(*name);
    }
    Value::Object(body)
}

impl RegistrationView {
    fn of(registration: &Registration) -> RegistrationView {
        RegistrationView {
            enabled: registration.enabled,
            opens_at: registration.opens_at.map(|at| at.to_string()),
            closes_at: registration.closes_at.map(|at| at.to_string()),
            waitlist: registration.waitlist,
            approval: registration.approval,
            max_seats: registration.max_seats,
            per_instance: registration.per_instance,
            price: registration.price.as_ref().map(|Price { amount_minor, currency }| PriceView {
                amount_minor: *amount_minor,
                currency: currency.clone(),
            }),
            near_full_threshold: registration.near_full_threshold,
        }
    }
}

impl AudienceView {
    fn of(audience: &Audience, with_people: bool) -> AudienceView {
        AudienceView {
            kind: audience.kind,
            department_ids: audience.department_ids.clone(),
            classes: audience.classes.clone(),
            class_groups: audience.class_groups.clone(),
            user_ids: if with_people { audience.user_ids.clone() } else { Vec::new() },
            both_languages: audience.both_languages,
        }
    }
}
