//! Draws what `peers` measured: `charts RESULTS.json FOLDER` writes `idle.svg`,
//! `names.svg` and `waiters.svg`.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use neon_failpoint_benches::report::Line;
use plotters::coord::ranged1d::{IntoSegmentedCoord, SegmentValue};
use plotters::prelude::*;

type Rows = Vec<(String, Vec<Line>)>;

const SIZE: (u32, u32) = (760, 360);
const FONT: (&str, i32) = ("sans-serif", 15);

/// Returns a column's color, the same in every chart.
fn color(column: &str) -> RGBColor {
    match column {
        "ours" => RGBColor(31, 119, 180),
        "compat" | "ours, run-time name" => RGBColor(23, 155, 90),
        "fail" => RGBColor(214, 96, 39),
        "fail-parallel" => RGBColor(148, 103, 189),
        _ => RGBColor(127, 127, 127),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [results, folder] = &arguments[..] else {
        eprintln!("usage: charts RESULTS.json FOLDER");
        return ExitCode::from(2);
    };
    match draw(Path::new(results), Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(2)
        }
    }
}

fn draw(results: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(results)
        .map_err(|e| format!("cannot read {}: {e}", results.display()))?;
    let rows: Rows = serde_json::from_str(&text)
        .map_err(|e| format!("{} is not what peers writes: {e}", results.display()))?;
    idle(&rows, &folder.join("idle.svg"))?;
    curves(
        row(&rows, "names")?,
        ("ns per hit", "configured names", "Cost of an idle hit"),
        &folder.join("names.svg"),
    )?;
    curves(
        row(&rows, "waiters")?,
        ("µs", "paused tasks", "Letting paused tasks go"),
        &folder.join("waiters.svg"),
    )
}

fn row<'a>(rows: &'a Rows, name: &str) -> Result<&'a [Line], String> {
    let found = rows.iter().find(|(row, _)| row == name);
    let (_, lines) = found.ok_or(format!("row {name} was not measured"))?;
    Ok(lines)
}

/// Bars: what an idle hit adds to a plain function.
fn idle(rows: &Rows, file: &Path) -> Result<(), Box<dyn Error>> {
    let lines = row(rows, "idle")?;
    let columns = ["ours", "compat", "fail", "fail-parallel"];
    let added = |line: &Line, column: &str| {
        let of = |column| line.values.iter().find(|(name, _)| name == column);
        let (_, value) = of(column)?;
        let (_, plain) = of("plain")?;
        Some((value - plain).max(0.0))
    };
    let bars: Vec<(String, Vec<f64>)> = lines
        .iter()
        .map(|line| {
            let size = line.size.unwrap_or_default();
            let values = columns.iter().map(|c| added(line, c).unwrap_or(0.0));
            (format!("{size} names"), values.collect())
        })
        .collect();
    let most = bars
        .iter()
        .flat_map(|(_, v)| v)
        .fold(1.0, |a: f64, b| a.max(*b));

    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    // Groups of bars, a gap between them.
    let group = columns.len() + 1;
    let mut chart = ChartBuilder::on(&area)
        .caption(
            "What an idle hit adds to a plain function, ns",
            ("sans-serif", 18),
        )
        .margin(12)
        .x_label_area_size(34)
        .y_label_area_size(44)
        .build_cartesian_2d(
            (0..bars.len() * group - 1).into_segmented(),
            0.0..most * 1.15,
        )?;
    let label = |at: &SegmentValue<usize>| match at {
        SegmentValue::CenterOf(at) if at % group == 1 => bars
            .get(at / group)
            .map_or(String::new(), |(label, _)| label.clone()),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(1)
        .y_label_formatter(&|ns| format!("{ns:.0}"))
        .x_labels(bars.len() * group)
        .x_label_formatter(&label)
        .label_style(FONT)
        .draw()?;
    for (column, name) in columns.iter().enumerate() {
        let color = color(name);
        let rectangles = bars.iter().enumerate().filter_map(|(at, (_, values))| {
            let value = *values.get(column)?;
            let left = SegmentValue::Exact(at * group + column);
            let right = SegmentValue::Exact(at * group + column + 1);
            let mut bar = Rectangle::new([(left, 0.0), (right, value)], color.filled());
            bar.set_margin(0, 0, 2, 2);
            Some(bar)
        });
        chart
            .draw_series(rectangles)?
            .label(*name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled()));
        let numbers = bars.iter().enumerate().filter_map(|(at, (_, values))| {
            let value = *values.get(column)?;
            let place = (SegmentValue::CenterOf(at * group + column), value);
            let text = EmptyElement::at(place)
                + Text::new(format!("{value:.2}"), (-12, -16), ("sans-serif", 12));
            Some(text)
        });
        chart.draw_series(numbers)?;
    }
    legend(&mut chart, SeriesLabelPosition::UpperLeft)?;
    area.present()?;
    Ok(())
}

fn legend<'a, C: plotters::coord::CoordTranslate>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, C>,
    position: SeriesLabelPosition,
) -> Result<(), Box<dyn Error>> {
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.8))
        .label_font(FONT)
        .draw()?;
    Ok(())
}

/// Lines: cost by size, both on logarithmic axes.
fn curves(
    lines: &[Line],
    (unit, axis, caption): (&str, &str, &str),
    file: &Path,
) -> Result<(), Box<dyn Error>> {
    let values = || {
        lines
            .iter()
            .flat_map(|line| &line.values)
            .map(|(_, value)| *value)
    };
    let least = values().fold(f64::MAX, f64::min).max(0.01);
    let most = values().fold(f64::MIN, f64::max);
    let sizes = || {
        lines
            .iter()
            .filter_map(|line| line.size)
            .map(|size| size as f64)
    };
    let range = sizes().fold(f64::MAX, f64::min)..sizes().fold(f64::MIN, f64::max) * 1.2;

    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(caption, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(range.log_scale(), (least / 2.0..most * 3.0).log_scale())?;
    chart
        .configure_mesh()
        .x_label_formatter(&|size| format!("{size:.0}"))
        .y_label_formatter(&|value| format!("{value}"))
        .x_desc(axis)
        .y_desc(unit)
        .label_style(FONT)
        .draw()?;
    let columns = lines.first().map_or(&[][..], |line| &line.values);
    for (name, _) in columns {
        let color = color(name);
        let points: Vec<(f64, f64)> = lines
            .iter()
            .filter_map(|line| {
                let (_, value) = line.values.iter().find(|(column, _)| column == name)?;
                Some((line.size? as f64, value.max(0.01)))
            })
            .collect();
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)).point_size(3))?
            .label(name.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 14, y)], color.stroke_width(2)));
    }
    // Where the left half of all curves leaves room.
    let starts_high = columns.iter().any(|(_, value)| *value > most / 100.0);
    let position = match starts_high {
        true => SeriesLabelPosition::MiddleLeft,
        false => SeriesLabelPosition::UpperLeft,
    };
    legend(&mut chart, position)?;
    area.present()?;
    Ok(())
}
