//! How a parent and its children tell one another what crashes: texts in files.

use std::collections::HashSet;
use std::fmt;
use std::sync::Mutex;

use crate::engine::sync::unpoisoned;
use crate::explore::pick::Place;
use crate::explore::report::{Ending, Failure, Report, Step, StepKind};

/// Writes texts so that they can be told apart, whatever they hold.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.0.extend(format!("{}:{text}", text.len()).bytes());
        self
    }

    pub(super) fn show(&mut self, value: impl fmt::Display) -> &mut Self {
        self.text(&value.to_string())
    }

    pub(super) fn option(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text("some").text(text),
            None => self.text("none"),
        }
    }

    pub(super) fn hit(
        &mut self,
        name: &str,
        file: &str,
        line: u32,
        context: Option<&str>,
    ) -> &mut Self {
        self.text(name).text(file).show(line).option(context)
    }
}

/// Reads what a [`Writer`] wrote, as far as it is there.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn text(&mut self) -> Option<String> {
        let colon = self.0.iter().position(|b| *b == b':')?;
        let length: usize = std::str::from_utf8(&self.0[..colon]).ok()?.parse().ok()?;
        let rest = &self.0[colon + 1..];
        let text = std::str::from_utf8(rest.get(..length)?).ok()?;
        self.0 = &rest[length..];
        Some(text.to_owned())
    }

    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    pub(super) fn option(&mut self) -> Option<Option<String>> {
        match self.text()?.as_str() {
            "some" => self.text().map(Some),
            _ => Some(None),
        }
    }

    pub(super) fn hit(&mut self, kind: StepKind) -> Option<Step> {
        Some(Step {
            task: 0,
            place: Place {
                name: self.text()?.into(),
                file: lasting(self.text()?),
                line: self.number()?,
            },
            context: self.option()?,
            kind,
            preempts: false,
        })
    }
}

/// Returns a text of this process for the name of a source file, of which there are a few.
fn lasting(file: String) -> &'static str {
    static FILES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut files = unpoisoned(FILES.lock());
    let files = files.get_or_insert_default();
    match files.get(&*file) {
        Some(known) => known,
        None => {
            let lasting: &'static str = String::leak(file);
            files.insert(lasting);
            lasting
        }
    }
}

/// A child passes this on as if it had found it out itself.
pub(super) fn write_report(to: &mut Writer, report: &Report) {
    to.show(report.runs);
    match &report.ending {
        Ending::Complete(bounds) => to.text("complete").text(bounds),
        Ending::Cut(why) => to.text("cut").text(why),
        Ending::Failed => to.text("failed"),
    };
    let Some(failure) = &report.failure else {
        return;
    };
    to.text(&failure.message)
        .text(&failure.schedule)
        .text(&failure.command);
    to.show(failure.steps.len());
    for step in &failure.steps {
        to.text(if step.kind == StepKind::Crash {
            "crash"
        } else {
            "hit"
        });
        to.hit(
            &step.place.name,
            step.place.file,
            step.place.line,
            step.context.as_deref(),
        );
    }
}

pub(super) fn read_report(from: &mut Reader<'_>) -> Option<Report> {
    let runs = from.number()?;
    let (ending, failed) = match from.text()?.as_str() {
        "complete" => (Ending::Complete(from.text()?), false),
        "cut" => (Ending::Cut(from.text()?), false),
        _ => (Ending::Failed, true),
    };
    let failure = match failed {
        true => Some(Failure {
            message: from.text()?,
            schedule: from.text()?,
            command: from.text()?,
            steps: {
                let count: usize = from.number()?;
                let step = |_| {
                    let kind = match from.text()?.as_str() {
                        "crash" => StepKind::Crash,
                        _ => StepKind::Continue,
                    };
                    from.hit(kind)
                };
                (0..count).map(step).collect::<Option<Vec<Step>>>()?
            },
        }),
        false => None,
    };
    Some(Report {
        runs,
        left_out: 0,
        ending,
        failure,
    })
}
