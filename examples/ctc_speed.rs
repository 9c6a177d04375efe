//! scratch
use std::time::Instant;
use half::f16;
use widebeam::*;
fn time(name: &str, runs: usize, mut f: impl FnMut()) -> f64 {
    f();
    let mut t: Vec<f64> = (0..runs).map(|_| { let s = Instant::now(); f(); s.elapsed().as_secs_f64() }).collect();
    t.sort_by(f64::total_cmp);
    println!("{name}: median {:.1} us min {:.1}", t[runs/2]*1e6, t[0]*1e6);
    t[runs/2]
}
fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
    let bytes = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    let data: Vec<f16> = bytes.chunks(2).map(|b| f16::from_le_bytes([b[0], b[1]])).collect();
    let time_n = 125; let vocab = 6625;
    let n = data.len() / (time_n * vocab);
    let view = ScoresView::probabilities(&data, [n, time_n, vocab]).unwrap();
    println!("{n} items");
    let level = Level::best();
    let r = time("read", 21, || { widebeam::measure::read_all(&view, level).unwrap(); });
    for w in [1, 4, 16, 100] {
        let mut tt = widebeam::measure::TopTokens::new(level).unwrap();
        let a = time(&format!("top {}", w+2), 21, || tt.fill(&view, w+2).unwrap());
        let mut s = CtcSearch::new(w, 0).unwrap();
        let mut out = CtcNBest::new();
        let t = time(&format!("ctc {w}"), 21, || s.decode_into(&view, &mut out).unwrap());
        println!("   W={w}: {:.2}x of read, phase one {:.2}x, phase two {:.0} ns/frame", t/r, a/r, (t-a)/(n*time_n) as f64*1e9);
    }
    // speech-like: 371 x 29
    let mut st = 9u64;
    let mut rnd = move || { st = st.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); ((st >> 40) as f64) / (1u64<<24) as f64 };
    let mut sp = vec![];
    for _ in 0..371 {
        let mut row: Vec<f64> = (0..29).map(|_| 2.0*(rnd()+rnd()+rnd()-1.5)).collect();
        let p = if rnd() < 0.55 { 0 } else { (rnd()*29.0) as usize };
        row[p] += 4.0 + 5.0*rnd();
        let m: f64 = row.iter().map(|x| x.exp()).sum::<f64>().ln();
        sp.extend(row.iter().map(|x| (x-m) as f32));
    }
    let view = ScoresView::log_probabilities(&sp, [1, 371, 29]).unwrap();
    for w in [16, 100, 500] {
        let mut tt = widebeam::measure::TopTokens::new(level).unwrap();
        let a = time(&format!("speech top {}", w+2), 21, || tt.fill(&view, w+2).unwrap());
        let mut s = CtcSearch::new(w, 0).unwrap();
        let mut out = CtcNBest::new();
        let t = time(&format!("speech ctc {w}"), 51, || s.decode_into(&view, &mut out).unwrap());
        println!("   W={w}: phase two {:.0} ns/frame", (t-a)/371.0*1e9);
    }
    });
}
