//! Numbers as Markdown.

use std::time::Duration;

/// Prints a table.
pub fn table(title: &str, head: &[&str], rows: &[Vec<String>]) {
    println!("\n### {title}\n");
    println!("| {} |", head.join(" | "));
    println!("|{}", "---|".repeat(head.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}

/// The middle of some numbers.
pub fn median(numbers: &[f64]) -> f64 {
    percentile(numbers, 0.5)
}

/// The number below which this share of them lies.
pub fn percentile(numbers: &[f64], share: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// Milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// What ours reaches of a baseline that was measured right before or after it, round by round: the middle of the ratios. The
/// machine is not equally fast from one minute to the next.
pub fn reached(ours: &[f64], baseline: &[f64]) -> String {
    let ratios: Vec<f64> = ours.iter().zip(baseline).map(|(ours, baseline)| ours / baseline).collect();
    percent(median(&ratios), 1.0)
}

/// A share of a whole.
pub fn percent(part: f64, whole: f64) -> String {
    format!("{:.0} %", 100.0 * part / whole)
}
