//! What a compiler without this project's patches hands to Enzyme as if it were something else, so that Enzyme cannot tell
//! and the derivative would be wrong without a word. It is found in the source, as it is after macros are expanded. Pure.

mod scalars;
mod source;

use syn::spanned::Spanned;
use syn::{FnArg, ReceiverKind};

use cargo_common::contract::{Frame, Problem};

use source::Source;

/// Something that would be wrong, in a function that was made or in a call of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The name of that function.
    pub function: String,
    /// How many functions of that name come before it; of a call, how often the name stands before it at all.
    pub before: usize,
    /// What is wrong.
    pub kind: Kind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Const` for what a function returns in forward mode: the compiler gives the tangent for it.
    Result,
    /// A pair of numbers by value as `Dual`: it is taken for a number and its tangent. With its type.
    Pair(String),
    /// A pointer as a `Const` result in reverse mode, which is not returned: what comes back points anywhere.
    Pointer,
    /// The seed of an `Active` result in a call, which may be other than 1: it is not handed on.
    Seed,
}

impl Fault {
    /// As libEnzyme would tell of it.
    pub fn problem(&self, place: Option<Frame>) -> Problem {
        let (message, help) = match &self.kind {
            Kind::Result => (
                "this compiler returns the tangent of a result that is `Const` in forward mode".to_string(),
                "write `Dual` in place of the last `Const`, which gives the value and the tangent; or use an image of \
                 the `patched` channel"
                    .to_string(),
            ),
            Kind::Pair(given) => (
                format!(
                    "this compiler takes `{given}`, by value and `Dual`, for a number and its tangent, or may do so"
                ),
                "hand it over by reference (`&`), or each number as an argument of its own; or use an image of the \
                 `patched` channel"
                    .to_string(),
            ),
            Kind::Pointer => (
                "this compiler does not return a result that is `Const` in reverse mode".to_string(),
                "call the function itself for it; or use an image of the `patched` channel".to_string(),
            ),
            Kind::Seed => (
                format!("this compiler does not hand on the seed of `{}`: it always takes 1", self.function),
                "write `1.0`, and multiply what comes out; or use an image of the `patched` channel, where the seed \
                 counts"
                    .to_string(),
            ),
        };
        Problem {
            message,
            help,
            frames: place.into_iter().collect(),
            ..Problem::default()
        }
    }

    /// Where it stands, in the tree of the expanded source as rustc prints it (`-Zunpretty=ast-tree,expanded`): what a
    /// macro makes has the place of the macro.
    pub fn place(&self, tree: &str) -> Option<Frame> {
        if self.kind == Kind::Seed {
            return self.place_of_call(tree);
        }
        let ident = format!("ident: {}#", self.function);
        let mut item = None;
        let mut previous = ["", ""];
        let mut left = self.before;
        for line in tree.lines().map(str::trim_start) {
            if let Some(span) = line.strip_prefix("span: ")
                && previous[1].starts_with("id: NodeId(")
            {
                item = Some(span);
            }
            if line.starts_with(&ident) && previous[0] == "Fn {" {
                if left == 0 {
                    return frame(item?);
                }
                left -= 1;
            }
            previous = [previous[1], line];
        }
        None
    }

    /// The place of the name that is called, which is told after it.
    fn place_of_call(&self, tree: &str) -> Option<Frame> {
        let ident = format!("ident: {}#", self.function);
        let mut lines = tree.lines().map(str::trim_start);
        let mut left = self.before;
        lines.find(|line| {
            let is_name = line.starts_with(&ident);
            let is_it = is_name && left == 0;
            left = left.saturating_sub(usize::from(is_name));
            is_it
        })?;
        lines.find_map(|line| frame(line.strip_prefix("span: ")?))
    }
}

/// `src/main.rs:3:5: 3:20 (#0),`
fn frame(span: &str) -> Option<Frame> {
    let start = span.rsplit_once(": ")?.0;
    let (rest, column) = start.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some(Frame {
        file: file.to_string(),
        line: line.parse().ok()?,
        column: column.parse().ok()?,
        function: String::new(),
    })
}

/// All faults in an expanded source; none where that is no Rust.
pub fn faults(expanded: &str) -> Option<Vec<Fault>> {
    Some(faults_of(&Source::read(expanded)?))
}

fn faults_of(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for derivative in &source.derivatives {
        let fault = |kind| Fault {
            function: derivative.signature.ident.to_string(),
            before: derivative.before,
            kind,
        };
        if derivative.returns_constant() {
            faults.push(fault(Kind::Result));
        }
        for given in derivative.moved() {
            let count = match given {
                FnArg::Typed(given) => source.types.scalars(&given.ty, &derivative.signature, 0),
                FnArg::Receiver(given) => match given.kind {
                    ReceiverKind::Reference(..) => Some(1),
                    // `Self` is what an `impl` around it says.
                    _ => None,
                },
            };
            if count.is_none_or(|count| count == 2) {
                faults.push(fault(Kind::Pair(shown(given))));
            }
        }
    }
    for gradient in &source.gradients {
        if gradient.returns_constant() && gradient.returns_pointer() {
            faults.push(Fault {
                function: gradient.signature.ident.to_string(),
                before: gradient.before,
                kind: Kind::Pointer,
            });
        }
    }
    faults.extend(source.seeds().map(|call| Fault {
        function: call.name.clone(),
        before: call.before,
        kind: Kind::Seed,
    }));
    faults
}

/// As it stands in the source.
fn shown(given: &FnArg) -> String {
    let span = match given {
        FnArg::Typed(given) => given.ty.span(),
        FnArg::Receiver(given) => given.span(),
    };
    let text = span.source_text().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<(String, usize, String)> {
        let faults = faults(source).expect("Rust");
        let shown = |kind| match kind {
            Kind::Result => "result".to_string(),
            Kind::Pair(given) => given,
            Kind::Pointer => "pointer".to_string(),
            Kind::Seed => "seed".to_string(),
        };
        faults
            .into_iter()
            .map(|fault| (fault.function, fault.before, shown(fault.kind)))
            .collect()
    }

    fn fault(function: &str, before: usize, what: &str) -> (String, usize, String) {
        (function.to_string(), before, what.to_string())
    }

    #[test]
    fn constant_results_are_faults() {
        let source = "
            #[rustc_autodiff]
            fn f(x: f64) -> f64 { x }
            #[rustc_autodiff(Forward, 1, Dual, Const)]
            fn df(x: f64, bx_0: f64) -> f64 { g(f::<> as fn(_: f64) -> f64) }
            mod inner {
                impl Model {
                    #[rustc_autodiff(Forward, 4, Dual, Const)]
                    #[inline]
                    pub(crate) const fn df<'a>(&'a self, a: &Self, b: &Self, c: &Self, d: &Self) -> Foo<{ N }> { 0 }
                }
            }
            #[rustc_autodiff(Forward, 1, Const, Dual, Const)]
            fn unit(n: usize, x: &mut f64, bx_0: &mut f64) -> () {}
            #[rustc_autodiff(Forward, 1, Dual, None)]
            fn none(x: &mut f64, bx_0: &mut f64) {}
            #[rustc_autodiff(Forward, 1, Dual, Dual)]
            fn both(x: &mut f64, bx_0: &mut f64) -> [f64; 2usize] { x }
            #[rustc_autodiff(Reverse, 1, Duplicated, Const)]
            fn back(x: &f64, bx_0: &mut f64) -> f64 { x }
            fn other() -> f64 { 1.0 }
        ";
        assert_eq!(
            found(source),
            [fault("df", 0, "result"), fault("df", 1, "result")]
        );
    }

    #[test]
    fn pairs_are_faults() {
        let source = "
            struct Two { a: f64, b: f64 }
            struct Nested(f64, (), One, PhantomData<u8>);
            struct One(f64);
            struct Three { two: Two, c: f64 }
            struct Open<T>(T, T);
            type Alias = (f32, f32);
            enum Shape { A(f64), B }
            mod a { struct Twice(f64); }
            mod b { struct Twice(f64, f64); }
        ";
        for (given, is_fault) in [
            ("f64", false),
            ("&(f64, f64)", false),
            ("&[f64]", false),
            ("&mut Two", false),
            ("*const f64", false),
            ("*mut [f64]", true),
            ("[f64; 2]", false),
            ("(f64, f64)", true),
            ("(f64,)", false),
            ("(f64, f64, f64)", false),
            ("(&f64, f64)", true),
            ("(Vec<f64>, f64)", false),
            ("(&[f64], ())", true),
            ("Two", true),
            ("crate::Two", true),
            ("Nested", true),
            ("One", false),
            ("Three", false),
            ("Alias", true),
            ("Open<f64>", true),
            ("Shape", true),
            ("Twice", true),
            ("num_complex::Complex<f64>", true),
            ("<f64 as Real>::Pair", true),
            ("Self::Pair", true),
            ("Self", true),
            ("self", true),
            ("&mut self", false),
            ("Option<f64>", true),
            ("Vec<f64>", false),
            ("Box<f64>", false),
            ("Box<[f64]>", true),
            ("Box<dyn Model>", true),
            ("T", false),
            ("std::simd::f64x4", false),
        ] {
            let (argument, tangent) = match given {
                "self" | "&mut self" => (given.to_string(), "Self"),
                _ => (format!("x: {given}"), given),
            };
            let source = format!(
                "{source} #[rustc_autodiff(Forward, 2, Dual, Const, Dual)]
                fn d<T: Float>({argument}, dx: {tangent}, ex: {tangent}, c: (f64, f64)) -> [f64; 2usize] {{ 0 }}"
            );
            let expected = if is_fault {
                vec![fault("d", 0, given)]
            } else {
                vec![]
            };
            assert_eq!(found(&source), expected, "{given}");
        }
    }

    #[test]
    fn tangents_side_by_side_are_one_argument() {
        let source = "#[rustc_autodiff(Forward, 4, Dualv, Dual, Dual)]
            fn d(x: &[f64], dx: &[f64], y: f64, a: f64, b: f64, c: f64, e: f64) -> [f64; 5usize] { 0 }";
        assert_eq!(found(source), []);
    }

    #[test]
    fn pointers_are_faults() {
        for (given, is_fault) in [
            ("&f64", true),
            ("&'a mut [f64; 2]", true),
            ("Option<&f64>", true),
            ("std::boxed::Box<u64>", true),
            ("*const f64", true),
            ("f64", false),
            ("Option<f64>", false),
            ("Vec<f64>", false),
        ] {
            let source = format!(
                "#[rustc_autodiff(Reverse, 1, Duplicated, Const)]
                fn d(x: &[f64], dx: &mut [f64]) -> {given} {{ 0 }}
                #[rustc_autodiff(Reverse, 1, Duplicated, Active)]
                fn e(x: &[f64], dx: &mut [f64], dret: f64) -> {given} {{ 0 }}"
            );
            let expected = if is_fault {
                vec![fault("d", 0, "pointer")]
            } else {
                vec![]
            };
            assert_eq!(found(&source), expected, "{given}");
        }
    }

    #[test]
    fn seeds_are_faults() {
        let source = "
            #[rustc_autodiff(Reverse, 1, Duplicated, Active)]
            fn d(x: &[f64], dx: &mut [f64], dret: f64) -> f64 {
                ::core::intrinsics::autodiff(f::<> as fn(_: &[f64]) -> f64, d::<>, (x, dx, dret))
            }
            #[rustc_autodiff(Reverse, 1, Duplicated, Const)]
            fn unseeded(x: &[f64], dx: &mut [f64], k: f64) -> f64 { 0.0 }
            impl Model {
                #[rustc_autodiff(Reverse, 1, Const, Active, Active)]
                fn dm<T>(&self, x: f64, dret: f64) -> (f64, f64) { 0 }
            }
            mod a { fn d(x: f64, y: f64, z: f64) {} fn g() { d(1.0, 2.0, 3.0); } }
            mod b { fn g() { d(1.0, 2.0, 1.0); } }
        ";
        for (call, is_fault) in [
            ("d(&x, &mut y, 1.0)", false),
            ("crate::d(&x, &mut y, 1.)", false),
            ("d(&x, &mut y, 1.0_f64,)", false),
            ("d(&f::<A, B>(x), &mut y, 1f64)", false),
            ("d(&x, &mut y, 2.0)", true),
            ("d(&x, &mut y, -1.0)", true),
            ("d(&f::<A, B>(x), &mut y, seed)", true),
            ("self::d(&x, &mut [0.0; 2], 1.0 / n)", true),
            ("d(&x, &mut y)", false),
            ("other(&x, &mut y, 2.0)", false),
            ("unseeded(&x, &mut y, 2.0)", false),
            ("m.dm(3.0, 1.0)", false),
            ("m.dm(1.0, s)", true),
            ("Model::dm(&m, 1.0, s)", true),
            ("m.dm::<Vec<fn(f64) -> f64>>(1.0, s)", true),
            ("if a < d { (1.0, 2.0, 3.0) }", false),
            ("a::d(1.0, 2.0, 3.0)", false),
            ("b::d(1.0, 2.0, 3.0)", true),
        ] {
            let name = if call.contains("dm") { "dm" } else { "d" };
            let before = if name == "d" { 5 } else { 1 };
            let source = format!("{source} fn main() {{ {call}; }}");
            let expected = if is_fault {
                vec![fault(name, before, "seed")]
            } else {
                vec![]
            };
            assert_eq!(found(&source), expected, "{call}");
        }
    }

    #[test]
    fn texts_of_macros_are_no_functions() {
        let source = "macro_rules! m { () => { fn d() {} } }
            #[rustc_autodiff(Forward, 1, Dual, Const)]
            fn d(x: f64, bx_0: f64) -> f64 { x }";
        assert_eq!(found(source), [fault("d", 0, "result")]);
        assert_eq!(faults("fn d( {"), None);
    }

    #[test]
    fn places_are_those_of_attributes() {
        let tree = "
            span: a.rs:1:1: 9:2 (#0),
            id: NodeId(3),
            span: src/a b.rs:10:5: 10:40 (#9),
            vis: Visibility {
                span: a.rs:11:1: 11:1 (#8),
            kind: Fn(
                Fn {
                    defaultness: Implicit,
                    ident: d#0,
            id: NodeId(9),
            span: c:/b.rs:20:7: 21:1 (#0),
                Fn {
                    defaultness: Implicit,
                    ident: d#4,
                    ident: d#0,
        ";
        let fault = |before| Fault {
            function: "d".into(),
            before,
            kind: Kind::Result,
        };
        let place = |before| {
            let frame = fault(before).place(tree)?;
            Some((frame.file, frame.line, frame.column))
        };
        assert_eq!(place(0), Some(("src/a b.rs".into(), 10, 5)));
        assert_eq!(place(1), Some(("c:/b.rs".into(), 20, 7)));
        assert_eq!(place(2), None);
    }

    #[test]
    fn places_are_those_of_calls() {
        let tree = "
                    ident: d#0,
            span: src/a.rs:10:5: 10:40 (#9),
                    ident: dm#0,
                                ident: d#4,
                                args: None,
                        span: src/b.rs:20:7: 20:8 (#0),
        ";
        let place = |before| {
            let kind = Kind::Seed;
            let frame = Fault {
                function: "d".into(),
                before,
                kind,
            }
            .place(tree)?;
            Some((frame.file, frame.line, frame.column))
        };
        assert_eq!(place(0), Some(("src/a.rs".into(), 10, 5)));
        assert_eq!(place(1), Some(("src/b.rs".into(), 20, 7)));
        assert_eq!(place(2), None);
    }
}
