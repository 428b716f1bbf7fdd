//! Texts compare by their bytes, whatever language the cluster was set up with.

use kalends_db::Engine;
use kalends_db::testing::{TestDb, server_url};
use kalends_db::{FromRow, Result, Row, sql};

use crate::{Text, outside};

/// In the order of their bytes. No natural language has it so: there `a` stands before `B`, and `Ä` beside `A`.
const WORDS: &[&str] =
    &["", " ", "-", "B", "Z", "_", "a", "a b", "a-b", "ab", "b", "z", "~", "Ä", "ß", "à", "日", "🐎"];

#[tokio::test]
async fn lists_are_in_the_order_of_bytes() {
    let test = TestDb::new().await;
    let db = test.open().await;
    let written: Result<()> = db
        .write((), |tx, ()| {
            Box::pin(async move {
                for word in WORDS.iter().rev() {
                    sql("INSERT INTO settings (key, value) VALUES ($1, $2)")
                        .bind(format!("w{word}"))
                        .bind(*word)
                        .run(tx)
                        .await?;
                }
                Ok(())
            })
        })
        .await;
    written.expect("written");
    let mut conn = db.reader().await.expect("a reader");
    let words: Vec<Text> =
        sql("SELECT value AS t FROM settings WHERE key LIKE 'w%' ORDER BY value").all(&mut conn).await.expect("rows");
    assert_eq!(words.iter().map(|word| word.0.as_str()).collect::<Vec<_>>(), WORDS);
    for (n, word) in WORDS.iter().enumerate() {
        // As paging by key does it.
        let behind: i64 = sql("SELECT count(*) AS n FROM settings WHERE key LIKE 'w%' AND value > $1")
            .bind(*word)
            .one(&mut conn)
            .await
            .expect("a number");
        assert_eq!(usize::try_from(behind).expect("small"), WORDS.len() - n - 1, "{word:?}");
    }
}

struct Column {
    table: String,
    column: String,
    collation: Option<String>,
}

impl FromRow for Column {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Column {
            table: row.get("table_name")?,
            column: row.get("column_name")?,
            collation: row.opt("collation_name")?,
        })
    }
}

#[tokio::test]
async fn every_text_column_on_postgresql_is_compared_by_bytes() {
    let test = TestDb::on(Engine::Postgres).await;
    let db = test.open().await;
    let mut conn = db.reader().await.expect("a reader");
    let columns: Vec<Column> =
        sql("SELECT table_name::text, column_name::text, collation_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'character') ORDER BY 1, 2")
        .all(&mut conn)
        .await
        .expect("rows");
    assert!(columns.len() > 40, "{} text columns: does the test look at the right place?", columns.len());
    let others: Vec<String> = columns
        .iter()
        .filter(|column| column.collation.as_deref() != Some("C"))
        .map(|column| format!("{}.{} {:?}", column.table, column.column, column.collation))
        .collect();
    assert_eq!(others, Vec::<String>::new());
}

/// Without the collation of the columns the same list would be in another order here: the test above can fail.
#[tokio::test]
async fn the_tests_server_would_sort_otherwise_by_itself() {
    let outside = outside(&server_url()).await;
    let row = outside
        .query_one(
            "SELECT CASE WHEN current_setting('server_version_num')::int < 150000 THEN 'c'
                 ELSE (SELECT to_jsonb(d) ->> 'datlocprovider' FROM pg_database d WHERE datname = current_database()) END,
                 current_setting('server_version_num')::int, 'a'::text < 'B'::text",
            &[],
        )
        .await
        .expect("an answer");
    let (provider, version, sorted): (String, i32, bool) = (row.get(0), row.get(1), row.get(2));
    // `cargo xtask test` makes the cluster in English where the server can (PostgreSQL 15 with ICU).
    assert_eq!(sorted, provider == "i", "PostgreSQL {version}, provider {provider}");
}
