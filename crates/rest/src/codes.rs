//! The one table of problem codes. A slug is never renamed: clients act on it, and `/problems/<slug>` explains it.

/// One kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The last part of the problem's type URI.
    pub slug: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened, in a few words.
    pub title: &'static str,
    /// What it means and what helps, for the page.
    pub help: &'static str,
}

const fn code(slug: &'static str, status: u16, title: &'static str, help: &'static str) -> Code {
    Code { slug, status, title, help }
}

pub static UNREADABLE: Code = code(
    "unreadable",
    400,
    "The request cannot be read",
    "The body is not JSON, or a header cannot be read. `detail` says where reading stopped.",
);
pub static SIGN_IN: Code = code(
    "sign-in-needed",
    401,
    "Sign in first",
    "The request needs `Authorization: Bearer <token>` with an access token from `POST /api/v1/auth/login` or a personal token. Access tokens last 15 minutes; `POST /api/v1/auth/refresh` gives the next one.",
);
pub static BAD_CREDENTIALS: Code = code(
    "bad-credentials",
    401,
    "User name or password is wrong",
    "The answer is the same whether the account does not exist, the password is wrong or the account is disabled.",
);
pub static BAD_TOKEN: Code = code(
    "bad-token",
    401,
    "The token is not valid",
    "It has expired, was revoked, or was never ours. A refresh token that is used twice ends its whole session. Sign in again.",
);
pub static FORBIDDEN: Code = code(
    "forbidden",
    403,
    "You may not do this",
    "You may see this, but your role does not allow the change. `detail` names the role that does; its owners can share it with you.",
);
pub static ROLE_NEEDED: Code = code(
    "role-needed",
    403,
    "Your account's role does not allow this",
    "Public calendars, registrations and venues need the role organizer or admin; some actions need admin. An administrator can change your role.",
);
pub static SCOPE_NEEDED: Code = code(
    "scope-needed",
    403,
    "The personal token does not allow this",
    "The token's scopes do not cover the request. Make a token with the scope that `detail` names.",
);
pub static SIGN_UP_CLOSED: Code = code(
    "sign-up-closed",
    403,
    "Accounts are made by administrators here",
    "The operator of this server has switched off that people make accounts for themselves. Ask an administrator for one.",
);
pub static NOT_FOUND: Code = code(
    "not-found",
    404,
    "Not found",
    "It is not there, or it is not yours to see: the answer is the same on purpose.",
);
pub static METHOD: Code = code(
    "method-not-allowed",
    405,
    "This method is not supported here",
    "The path exists, with other methods. The API documentation lists them; `Allow` names them.",
);
pub static NOT_ACCEPTABLE: Code =
    code("not-acceptable", 406, "This form is not offered", "The server answers in JSON here.");
pub static USERNAME_TAKEN: Code = code(
    "username-taken",
    409,
    "The user name is taken",
    "Another account has this user name (case does not count). Choose another.",
);
pub static EMAIL_TAKEN: Code =
    code("email-taken", 409, "The e-mail address is taken", "Another account has this address (case does not count).");
pub static UID_TAKEN: Code = code(
    "uid-taken",
    409,
    "The calendar has an event with this UID",
    "A UID names one event in a calendar. Change that event, or leave `uid` out to get a fresh one.",
);
pub static LAST_OWNER: Code = code(
    "last-owner",
    409,
    "There must be an owner",
    "The change would leave nobody who owns this. Make somebody else an owner first.",
);
pub static EDIT_CONFLICT: Code = code(
    "edit-conflict",
    409,
    "Somebody else changed the same fields",
    "Since the version you started from, other people changed fields that you change too. `conflicts` shows base, theirs and yours for each; send the request again with the current `base_version` and the values that shall hold.",
);
pub static REVIEW_REQUIRED: Code = code(
    "review-required",
    409,
    "Published events of this calendar are changed through review",
    "The calendar requires review and you are not a reviewer of it, so a published event cannot be edited in place.",
);
pub static WRONG_STATE: Code = code(
    "wrong-state",
    409,
    "The state does not allow this",
    "`detail` says which state the event is in and which steps are possible from it.",
);
pub static ORPHANS: Code = code(
    "orphaned-overrides",
    409,
    "Changed dates would lose their place in the series",
    "The new times or rule leave no occurrence for the overrides listed in `orphans`. Send `drop_orphans: true` to let them go.",
);
pub static CONFLICT: Code = code(
    "conflict",
    409,
    "The time is taken",
    "`conflicts` lists what takes the same time in the calendar, at the venue or of the people, as far as you may see it. Take another time or place (`POST /api/v1/free-slots` finds one), or send `on_conflict: \"warn\"` where the policy leaves it to you: a venue's own `reject` is overridden only by who manages it.",
);
pub static LAST_ADMIN: Code = code(
    "last-admin",
    409,
    "There must be an administrator",
    "The change would leave no account that can administer this server.",
);
pub static DEFAULT_CALENDAR: Code = code(
    "default-calendar",
    409,
    "This is the account's own calendar",
    "Every account keeps the calendar that it was made with; delete its events instead.",
);
pub static IN_PROGRESS: Code = code(
    "idempotency-in-progress",
    409,
    "The first request with this key is still running",
    "Ask again in a few seconds: you will get the first request's answer.",
);
pub static GONE: Code = code(
    "gone",
    410,
    "No longer available",
    "The position is from before the data was restored or moved, or older than the log keeps. Read everything again.",
);
pub static PRECONDITION_FAILED: Code = code(
    "precondition-failed",
    412,
    "It was changed in the meantime",
    "`If-Match` names another version than the current one, which `current` shows. Look at it and send your change again with its ETag.",
);
pub static TOO_LARGE: Code = code("too-large", 413, "The request is too large", "`detail` names the limit.");
pub static MEDIA_TYPE: Code = code(
    "unsupported-media-type",
    415,
    "This content type is not read here",
    "Send `Content-Type: application/json` (for PATCH also `application/merge-patch+json`).",
);
pub static INVALID: Code = code(
    "invalid",
    422,
    "Some values are not right",
    "`errors` lists every field that is wrong: `pointer` (RFC 6901) says which, `code` and `detail` why. Nothing was changed.",
);
pub static TOO_MUCH_WORK: Code = code(
    "too-much-work",
    422,
    "The request takes too much work",
    "The series that the request asks about have more occurrences than one request may walk. Ask for a shorter window, fewer calendars or a smaller page.",
);
pub static TOO_SPARSE: Code = code(
    "recurrence-too-sparse",
    422,
    "The recurrence rule takes too much work",
    "The rule hardly ever matches a date, so that finding its next occurrence exceeds the work allowed for a request. Write it with fewer restrictions.",
);
pub static CONFLICT_BUDGET: Code = code(
    "too-much-to-check",
    422,
    "Finding conflicts takes too much work",
    "So many instances have to be looked at that the check exceeds the work allowed for a request, so nothing can be said. Let the series end, make it rarer, or leave the check out with `on_conflict: \"ignore\"`.",
);
pub static KEY_REUSED: Code = code(
    "idempotency-key-reused",
    422,
    "This Idempotency-Key was used for another request",
    "A key belongs to one request. Make a fresh one for each new request, and repeat it only when you repeat the request.",
);
pub static PRECONDITION_NEEDED: Code = code(
    "precondition-required",
    428,
    "Say which version you are replacing",
    "PUT replaces the whole event, so it needs `If-Match` with the ETag you read, or `base_version` in the body. PATCH needs neither.",
);
pub static TOO_MANY_REQUESTS: Code = code(
    "too-many-requests",
    429,
    "Too many requests",
    "Wait as many seconds as `Retry-After` says. The limits are per client and kind of route; `RateLimit-*` headers show what is left.",
);
pub static INTERNAL: Code = code(
    "internal",
    500,
    "Something went wrong on our side",
    "It is logged under the request id that `detail` shows; please tell whoever runs this server.",
);
pub static BUSY: Code = code(
    "busy",
    503,
    "The server is busy",
    "Nothing was changed. Try again after as many seconds as `Retry-After` says.",
);
pub static BUDGET: Code = code(
    "recurrence-budget",
    503,
    "A recurring event takes too much work to expand",
    "A series in this window hardly ever matches a date. Ask for a smaller window, or leave the series out.",
);
pub static FULL: Code = code(
    "storage-full",
    507,
    "The server's disk is full",
    "Reading goes on; writing works again when there is room. Please tell whoever runs this server.",
);

/// Every code, for the pages and the tests.
pub static ALL: &[&Code] = &[
    &UNREADABLE,
    &SIGN_IN,
    &BAD_CREDENTIALS,
    &BAD_TOKEN,
    &FORBIDDEN,
    &ROLE_NEEDED,
    &SCOPE_NEEDED,
    &SIGN_UP_CLOSED,
    &NOT_FOUND,
    &METHOD,
    &NOT_ACCEPTABLE,
    &USERNAME_TAKEN,
    &EMAIL_TAKEN,
    &UID_TAKEN,
    &LAST_OWNER,
    &EDIT_CONFLICT,
    &REVIEW_REQUIRED,
    &WRONG_STATE,
    &ORPHANS,
    &CONFLICT,
    &LAST_ADMIN,
    &DEFAULT_CALENDAR,
    &IN_PROGRESS,
    &GONE,
    &PRECONDITION_FAILED,
    &TOO_LARGE,
    &MEDIA_TYPE,
    &INVALID,
    &TOO_MUCH_WORK,
    &TOO_SPARSE,
    &CONFLICT_BUDGET,
    &KEY_REUSED,
    &PRECONDITION_NEEDED,
    &TOO_MANY_REQUESTS,
    &INTERNAL,
    &BUSY,
    &BUDGET,
    &FULL,
];
