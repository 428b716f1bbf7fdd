//! `--demo`: sample people and calendars, inside the program, so that the binary alone is enough.

use anyhow::{Result, anyhow, bail};
use kalends_core::accounts::Password;
use kalends_core::demo::{self, Demo, DemoError, PEOPLE, Sample};
use kalends_kernel::{Ids, Zone};
use kalends_rest::App;

/// The files with the visibility that their calendars get.
const FILES: &[(&str, &str, &[u8])] = &[
    ("public-holidays.ics", "public", include_bytes!("../../../samples/public-holidays.ics")),
    ("school-year.ics", "internal", include_bytes!("../../../samples/school-year.ics")),
    ("conference.ics", "public", include_bytes!("../../../samples/conference.ics")),
];

/// Letters and digits that cannot be taken for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";

/// How to sign in to the demo.
pub struct SignIn {
    /// The user names.
    pub people: Vec<&'static str>,
    /// Everybody's password.
    pub password: String,
}

/// Makes the demo, or finds the one that is there.
pub async fn load(app: &App) -> Result<SignIn> {
    let now = app.clock.now();
    let there = demo::password(&mut *app.db.reader().await?).await?;
    let password = match there {
        Some(password) => password,
        None => {
            let password = new_password(Ids::at(now));
            let parsed = Password::parse(&password).map_err(|(_, why)| anyhow!("the demo's password {why}"))?;
            let password_hash = app.passwords.hash(&parsed).await?;
            let demo = Demo { password, password_hash, samples: samples()? };
            let loaded = app.db.write((now, demo), |tx, (now, demo)| Box::pin(demo::load(tx, *now, demo))).await;
            match loaded {
                Ok(password) => password,
                Err(DemoError::NotEmpty) => bail!(
                    "--demo needs an empty database, and this one has accounts; leave --data and --database out, or \
                     name a new folder"
                ),
                Err(DemoError::Refused(why)) => bail!("the samples were refused: {why}"),
                Err(DemoError::Internal(error)) => return Err(error.into()),
            }
        }
    };
    Ok(SignIn { people: PEOPLE.iter().map(|(username, ..)| *username).collect(), password })
}

fn samples() -> Result<Vec<Sample>> {
    FILES
        .iter()
        .map(|(file, visibility, bytes)| {
            let parsed = kalends_ical::read(bytes, &Zone::look_up).map_err(|error| anyhow!("{file}: {error:?}"))?;
            Ok(Sample { file, visibility, parsed })
        })
        .collect()
}

/// Ten characters from 32: 50 bits of chance.
fn new_password(ids: Ids) -> String {
    let letters = ids.secret();
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('x', char::from);
    format!("demo-{}", letters.iter().take(10).map(letter).collect::<String>())
}
