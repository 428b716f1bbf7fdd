//! Imports over REST: a form with a file begins a job.

use axum::extract::{Request, State};
use kalends_core::imports::{self, ImportError, NewImport, Profile};
use kalends_kernel::Invalid;
use kalends_kernel::fields::Fields;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::SignedInCall;
use crate::jobs::JobView;
use crate::problem::{Answer, Problem};
use crate::reply::Reply;
use crate::upload::Form;
use crate::write::write;

/// The routes of imports.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(start))
}

/// A file to import, with its options.
#[derive(ToSchema)]
#[schema(title = "ImportInput", example = json!({"file": "BEGIN:VCALENDAR\r\n…", "profile": "ics", "dry_run": "true"}))]
#[expect(dead_code, reason = "describes the form, which `Form` reads")]
pub struct ImportForm {
    /// The file. Its maximum size is set by the server's configuration (default: 20 MiB).
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The format. Defaults to `ics`.
    #[schema(nullable = false)]
    profile: Option<String>,
    /// The calendar. Defaults to your default calendar.
    #[schema(nullable = false)]
    calendar_id: Option<uuid::Uuid>,
    /// Whether to report only what the import would do: `true` or `false`, which is the default. `1` and `0` are accepted too.
    #[schema(nullable = false)]
    dry_run: Option<String>,
}

const YES_OR_NO: &[(&str, bool)] =
    &[("true", true), ("false", false), ("True", true), ("False", false), ("1", true), ("0", false)];

fn read(form: Form) -> Result<NewImport, Invalid> {
    let mut fields = Fields::of_map(&form.fields, "");
    let profile = fields.choice("profile", Profile::NAMES).unwrap_or(Profile::Ics);
    let calendar = fields.parsed("calendar_id", "not-an-id", |text| text.parse().map_err(|_| "must be an id (a UUID)"));
    let dry_run = fields.choice("dry_run", YES_OR_NO).unwrap_or(false);
    let Some(file) = form.file else {
        fields.error("file", "required", "must be given");
        return Err(fields.finish());
    };
    let (name, media_type, content) = (file.name, file.media_type, file.content);
    fields.finish().or(NewImport { profile, calendar, dry_run, name, media_type, content })
}

/// Import a file
///
/// Queues a job that imports the events of a file into a calendar, and returns the job. Its `result` says for each
/// event, by the line of the file, what was done. Importing the same file again changes nothing. If an event exists
/// already (by UID), the newer state wins. An event that cannot be read does not stop the others. Delete the job to
/// undo the import. Requires the editor role on the calendar.
#[utoipa::path(post, path = "/api/v1/imports", tag = "jobs", operation_id = "import_file", request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses((status = 202, description = "The import was queued. `Location` holds the path of the job.", body = JobView), (status = 403, description = "Requires the editor role on the calendar."),
        (status = 404, description = "The calendar does not exist, or you are not allowed to see it."), (status = 413, description = "The file is larger than the limit that `detail` names."),
        (status = 422, description = "The request contains invalid values, or you have too many imports (`too-many` in `errors`): at most 20 may wait or run, and the files may take 1 GiB together.")))]
async fn start(State(app): State<App>, call: SignedInCall, request: Request) -> Answer {
    let form = Form::read(request, app.settings.largest_upload).await?;
    let digest = form.digest();
    let new = read(form)?;
    let reply = write(&app, call.call, digest, new, |tx, ctx, new| {
        Box::pin(async move {
            let job = JobView::of(&imports::start(tx, ctx, new).await?);
            Ok(Reply { status: 202, location: Some(job.path()), ..Reply::ok(&job) })
        })
    })
    .await?;
    app.wake.notify_one();
    Ok(reply)
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Problem {
        match error {
            ImportError::Denied(denied) => denied.into(),
            ImportError::Invalid(invalid) => invalid.into(),
            ImportError::Internal(error) => error.into(),
        }
    }
}
