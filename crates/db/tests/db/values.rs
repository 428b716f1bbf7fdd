//! Every kind of value comes back as it went in, and one text of SQL serves both engines.

use jiff::Timestamp;
use kalends_db::testing::TestDb;
use kalends_db::{Db, FromRow, Result, Row, Value, sql};
use uuid::Uuid;

use crate::{Text, count, ddl};

#[derive(Clone, PartialEq, Debug, Default)]
struct All {
    u: Option<Uuid>,
    t: Option<String>,
    i: Option<i64>,
    b: Option<bool>,
    at: Option<Timestamp>,
    y: Option<Vec<u8>>,
}

impl FromRow for All {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(All {
            u: row.opt("u")?,
            t: row.opt("t")?,
            i: row.opt("i")?,
            b: row.opt("b")?,
            at: row.opt("at")?,
            y: row.opt("y")?,
        })
    }
}

async fn table(db: &Db) {
    ddl(
        db,
        &["CREATE TABLE kinds (n BIGINT PRIMARY KEY, u UUID, t TEXT, i BIGINT, b BOOLEAN, at TIMESTAMPTZ, y BYTEA)"],
    )
    .await;
}

async fn put(db: &Db, n: i64, all: &All) {
    let written: Result<u64> = db
        .write((n, all.clone()), |tx, (n, all)| {
            Box::pin(async move {
                sql("INSERT INTO kinds (n, u, t, i, b, at, y) VALUES ($1, $2, $3, $4, $5, $6, $7)")
                    .bind(*n)
                    .bind(Value::Uuid(all.u))
                    .bind(all.t.clone())
                    .bind(all.i)
                    .bind(Value::Bool(all.b))
                    .bind(all.at)
                    .bind(all.y.clone())
                    .run(tx)
                    .await
            })
        })
        .await;
    assert_eq!(written.expect("it is written"), 1);
}

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_went_in() {
    let test = TestDb::new().await;
    let db = test.open().await;
    table(&db).await;
    let at = |text: &str| Some(text.parse::<Timestamp>().expect("a time"));
    let times = [
        "1583-01-01T00:00:00Z",
        "1583-01-01T00:00:00.000001Z",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "2027-03-28T01:00:00.123456Z",
        "9990-12-31T23:59:59.999999Z",
    ];
    let texts =
        ["", "plain", "Ünïcödé ☃ 👩‍👩‍👧‍👦 🐎", "it's \"quoted\" \\ $1 {} %_ -- ;", "line\nline\r\n\ttab", "\u{202e}\u{feff}"];
    let ids = [Uuid::nil(), Uuid::max(), Uuid::from_u128(0x01941f29_7c00_7aaa_8000_3d1c7e9a5b10)];
    let bytes: Vec<u8> = (0..=255).collect();
    let mut all = vec![All::default()];
    all.extend(times.map(|time| All { at: at(time), ..All::default() }));
    all.extend(texts.map(|text| All { t: Some(text.to_owned()), ..All::default() }));
    all.extend([i64::MIN, -1, 0, 1, i64::MAX].map(|i| All { i: Some(i), ..All::default() }));
    all.extend(ids.map(|u| All { u: Some(u), ..All::default() }));
    all.extend([true, false].map(|b| All { b: Some(b), ..All::default() }));
    all.extend([vec![], vec![0], bytes.clone()].map(|y| All { y: Some(y), ..All::default() }));
    all.push(All {
        u: Some(ids[2]),
        t: Some("x".repeat(1 << 20)),
        i: Some(7),
        b: Some(true),
        at: at(times[4]),
        y: Some(bytes),
    });
    for (n, one) in all.iter().enumerate() {
        put(&db, i64::try_from(n).expect("small"), one).await;
    }
    let mut conn = db.reader().await.expect("a reader");
    let back: Vec<All> = sql("SELECT u, t, i, b, at, y FROM kinds ORDER BY n").all(&mut conn).await.expect("rows");
    assert_eq!(back.len(), all.len());
    for (back, all) in back.iter().zip(&all) {
        assert_eq!(back, all);
    }
    // They are found by what they are, too: both sides of a comparison have one form.
    for one in &all {
        let found: i64 =
            sql("SELECT count(*) AS n FROM kinds WHERE u = $1 OR t = $2 OR i = $3 OR b = $4 OR at = $5 OR y = $6")
                .bind(Value::Uuid(one.u))
                .bind(one.t.clone())
                .bind(one.i)
                .bind(Value::Bool(one.b))
                .bind(one.at)
                .bind(one.y.clone())
                .one(&mut conn)
                .await
                .expect("a number");
        assert_eq!(found > 0, *one != All::default(), "{one:?}");
    }
    let in_order: Vec<All> = sql("SELECT u, t, i, b, at, y FROM kinds WHERE at IS NOT NULL AND i IS NULL ORDER BY at")
        .all(&mut conn)
        .await
        .expect("rows");
    assert_eq!(in_order.iter().map(|one| one.at).collect::<Vec<_>>(), times.map(at), "times sort as times");
}

#[tokio::test]
async fn a_null_is_an_error_and_not_a_zero() {
    let test = TestDb::new().await;
    let db = test.open().await;
    table(&db).await;
    put(&db, 1, &All { t: Some("no number".to_owned()), u: Some(Uuid::nil()), ..All::default() }).await;
    let mut conn = db.reader().await.expect("a reader");
    let wrong = sql("SELECT u FROM kinds").one::<Text>(&mut conn).await;
    assert!(matches!(&wrong, Err(kalends_db::Error::Decode { column, .. }) if column == "t"), "{wrong:?}");
    // Where NULL is possible the reader says `opt`; `get` of a NULL is no zero.
    let none = sql("SELECT i AS n FROM kinds").one::<i64>(&mut conn).await;
    assert!(matches!(&none, Err(kalends_db::Error::Decode { column, .. }) if column == "n"), "{none:?}");
}

#[tokio::test]
async fn one_text_with_numbers_and_a_list_serves_both_engines() {
    let test = TestDb::new().await;
    let db = test.open().await;
    table(&db).await;
    for n in 0..40 {
        put(&db, n, &All { i: Some(n * 10), t: Some(format!("t{n}")), ..All::default() }).await;
    }
    let mut conn = db.reader().await.expect("a reader");
    let sum = async |conn: &mut kalends_db::Conn, list: Vec<i64>| -> i64 {
        // $2 is given before $1 and used twice: the numbers count, not the places.
        sql("SELECT CAST(COALESCE(sum(i), 0) AS BIGINT) AS n FROM kinds WHERE i < $2 AND t >= $1 AND i >= 0 AND i < $2 AND n IN ({})")
            .bind("t")
            .bind(1_000)
            .bind_list(list)
            .one(conn)
            .await
            .expect("a number")
    };
    for length in [0_i64, 1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 40] {
        let list: Vec<i64> = (0..length).collect();
        assert_eq!(sum(&mut conn, list.clone()).await, list.iter().sum::<i64>() * 10, "{length}");
    }
    assert_eq!(sum(&mut conn, vec![3, 3, 99]).await, 30, "what is twice in the list is counted once");
    let texts = ["t1", "t39", "x' OR '1'='1"].map(str::to_owned);
    let found: Vec<Text> =
        sql("SELECT t FROM kinds WHERE t IN ({}) ORDER BY t").bind_list(texts).all(&mut conn).await.expect("rows");
    assert_eq!(found, [Text("t1".to_owned()), Text("t39".to_owned())]);
    drop(conn);
    let many: Vec<i64> = (0..5_000).collect();
    let mut conn = db.reader().await.expect("a reader");
    assert_eq!(sum(&mut conn, many).await, (0..40).sum::<i64>() * 10, "a long list");
    drop(conn);
    assert_eq!(count(&db, "SELECT count(*) AS n FROM kinds").await, 40);
}
