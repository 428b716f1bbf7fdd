use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{Invalid, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Which kind of people in the classes an event is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudienceKind {
    /// Everybody.
    All,
    /// Students.
    Students,
    /// Teachers.
    Teachers,
    /// Class teachers.
    ClassTeachers,
}

/// Whom an event is for. Kept and versioned; whom it really hits comes with the school.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Audience {
    /// Which kind of people.
    pub kind: AudienceKind,
    /// Whole departments.
    pub department_ids: Vec<Uuid>,
    /// Classes, such as `26Ga`.
    pub classes: Vec<String>,
    /// Groups of classes, such as `26G`.
    pub class_groups: Vec<String>,
    /// People.
    pub user_ids: Vec<UserId>,
    /// Whether classes of the other language are meant too.
    pub both_languages: bool,
}

const KINDS: &[(&str, AudienceKind)] = &[
    ("all", AudienceKind::All),
    ("students", AudienceKind::Students),
    ("teachers", AudienceKind::Teachers),
    ("class_teachers", AudienceKind::ClassTeachers),
];
const MOST: usize = 1_000;

impl Audience {
    /// Reads the object `audience`.
    pub fn read(fields: &mut Fields) -> Option<Audience> {
        let value = fields.value("audience")?;
        let mut inner = match Fields::of(value, "/audience") {
            Ok(inner) => inner,
            Err(invalid) => {
                fields.append(invalid);
                return None;
            }
        };
        // What a class is called is configured with the school; until then any short word is kept.
        let names = Text { min: 1, max: 32, lines: false };
        let audience = Audience {
            kind: inner.choice("kind", KINDS).unwrap_or(AudienceKind::All),
            department_ids: inner.list("department_ids", MOST, read_id).unwrap_or_default(),
            classes: inner.texts("classes", MOST, names).unwrap_or_default(),
            class_groups: inner.texts("class_groups", MOST, names).unwrap_or_default(),
            user_ids: inner.list("user_ids", MOST, |item, at| read_id(item, at).map(UserId::new)).unwrap_or_default(),
            both_languages: inner.boolean("both_languages").unwrap_or(false),
        };
        fields.append(inner.finish());
        Some(audience)
    }
}

fn read_id(item: &Value, at: &str) -> Result<Uuid, Invalid> {
    item.as_str()
        .and_then(|text| Uuid::try_parse(text).ok())
        .ok_or_else(|| Invalid::one(at, "not-an-id", "must be an id (a UUID)"))
}
