//! No room left on the disk (SQLite): writes are refused with a reason, reading goes on, and once there is room again writing
//! works by itself. A small tmpfs is the disk; mounting one takes root, so elsewhere this says that it was not tried.

use std::path::Path;
use std::process::Command;

use kalends_db::Engine;
use kalends_db::testing::engine;
use kalends_testkit::Setup;
use serde_json::json;

/// A small disk, unmounted in the end.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new(size: &str) -> Option<Disk> {
        let folder = tempfile::tempdir().expect("a folder");
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).status();
        mounted.is_ok_and(|status| status.success()).then(|| Disk(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.0.path()).status().ok();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_only_until_there_is_room_again() {
    if engine() != Engine::Sqlite {
        return;
    }
    let Some(disk) = Disk::new("12m") else {
        eprintln!("not tried: no tmpfs can be mounted here (that takes root)");
        return;
    };
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![1; 8 << 20]).expect("there is room");
    let setup = Setup::new().set("data_dir", disk.path().to_str().expect("letters")).set("rate_limit.enabled", "false");
    let server = setup.serve(&[]).await;
    let new = json!({"username": "ada", "email": "ada@example.org", "password": "correct horse"});
    let token = server.post("/api/v1/auth/register").json(&new).expect(201).await.str("/access_token").to_owned();
    let bearer = format!("Bearer {token}");
    let big =
        json!({"title": "Minutes", "description": "all that was said. ".repeat(2_000), "start": "2027-03-01T10:00:00"});
    let write = async || server.post("/api/v1/events").header("authorization", &bearer).json(&big).send().await;
    let list = async || {
        let path = "/api/v1/events?include=total&limit=1";
        server.get(path).header("authorization", &bearer).expect(200).await.json["total"].as_i64().expect("a total")
    };
    let mut made = 0;
    let mut refused = 0;
    for _ in 0..500 {
        let reply = write().await;
        match reply.status.as_u16() {
            201 => made += 1,
            507 | 503 => {
                refused += 1;
                assert_eq!(list().await, made, "reading goes on, and nothing that was answered is lost");
            }
            other => panic!("{other}: {}\n{}", reply.text, server.said()),
        }
        if refused == 10 {
            break;
        }
    }
    assert!(refused == 10 && made > 0, "{made} made, {refused} refused");
    server.get("/readyz").expect(200).await;

    std::fs::remove_file(&ballast).expect("removed");
    for _ in 0..10 {
        let reply = write().await;
        assert_eq!(reply.status.as_u16(), 201, "{}\n{}", reply.text, server.said());
        made += 1;
    }
    assert_eq!(list().await, made);
    server.kill();
    let checked = setup.run(&["check"]);
    assert_eq!((checked.code, checked.stdout.as_str()), (Some(0), "no differences\n"), "{checked:?}");
    let again = setup.serve(&[]).await;
    let total = again.get("/api/v1/events?include=total&limit=1").header("authorization", &bearer).expect(200).await;
    assert_eq!(total.json["total"].as_i64(), Some(made));
}
