//! What a compiler without this project's patches hands to Enzyme as if it were something else, so that Enzyme cannot tell
//! and the derivative would be wrong without a word. It is found in the source, as it is after macros are expanded. Pure.

use std::collections::HashMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::token::Paren;
use syn::{
    Fields, FnArg, GenericArgument, Item, ItemStruct, PathArguments, PathSegment, ReceiverKind,
    ReturnType, Signature, Type, TypeTuple,
};

use cargo_common::contract::{Frame, Problem};

/// The attribute of a derivative in an expanded source.
const ATTRIBUTE: &str = "rustc_autodiff";
/// More than two: such a value is handed over through memory, so that it is one argument.
const MANY: usize = 3;

/// Something that would be wrong, in the function that `autodiff_forward` made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The name of that function.
    pub function: String,
    /// How many functions of that name come before it.
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
    let tokens: TokenStream = expanded.parse().ok()?;
    let mut found = Found::default();
    found.look_at(tokens);
    Some(found.faults())
}

/// What is of interest in a source.
#[derive(Default)]
struct Found {
    derivatives: Vec<Derivative>,
    /// Those with names that several have are not known.
    types: HashMap<String, Option<Type>>,
    functions: HashMap<String, usize>,
}

/// A function that forward mode makes.
struct Derivative {
    before: usize,
    signature: Signature,
    width: usize,
    /// Of each argument of what is differentiated, and of its result.
    activities: Vec<String>,
}

impl Found {
    fn look_at(&mut self, tokens: TokenStream) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let mut attribute = None;
        let mut at = 0;
        while at < trees.len() {
            match &trees[at] {
                // Its text is expanded where it is used.
                TokenTree::Ident(word) if word == "macro_rules" => {
                    while at < trees.len() && !matches!(trees[at], TokenTree::Group(_)) {
                        at += 1;
                    }
                }
                TokenTree::Ident(word)
                    if word == "struct" || word == "type" || word == "enum" || word == "union" =>
                {
                    self.add_type(&trees[at..]);
                }
                TokenTree::Ident(word) if word == "fn" => {
                    if let Some(TokenTree::Ident(name)) = trees.get(at + 1) {
                        let count = self.functions.entry(name.to_string()).or_default();
                        let before = *count;
                        *count += 1;
                        if let Some((width, activities)) = attribute.take()
                            && let Some(signature) = first::<Signature>(&trees[at..])
                        {
                            self.derivatives.push(Derivative {
                                before,
                                signature,
                                width,
                                activities,
                            });
                        }
                    }
                }
                TokenTree::Group(group) => {
                    if let Some(inner) = attribute_of(group) {
                        attribute = inner.or(attribute);
                    } else {
                        self.look_at(group.stream());
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn add_type(&mut self, trees: &[TokenTree]) {
        let (name, made) = match first_item(trees) {
            Some(Item::Struct(item)) => (item.ident.to_string(), as_tuple(item)),
            Some(Item::Type(item)) if item.generics.params.is_empty() => {
                (item.ident.to_string(), Some(*item.ty))
            }
            Some(Item::Type(item)) => (item.ident.to_string(), None),
            Some(Item::Enum(item)) => (item.ident.to_string(), None),
            Some(Item::Union(item)) => (item.ident.to_string(), None),
            _ => return,
        };
        self.types
            .entry(name)
            .and_modify(|known| *known = None)
            .or_insert(made);
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for derivative in &self.derivatives {
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
                    FnArg::Typed(given) => self.scalars(&given.ty, &derivative.signature, 0),
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
        faults
    }

    /// How many numbers, references or pointers a value is for the machine, up to `MANY`, where that is known.
    fn scalars(&self, given: &Type, signature: &Signature, depth: usize) -> Option<usize> {
        if depth > 16 {
            return None;
        }
        match given {
            Type::Paren(inner) => self.scalars(&inner.elem, signature, depth),
            Type::Group(inner) => self.scalars(&inner.elem, signature, depth),
            Type::Array(_) => Some(MANY),
            Type::Ptr(inner) => Some(words_of(&inner.elem)),
            // The compiler knows slices; other references of two words hold no numbers, or are refused by it.
            Type::Reference(_) if depth == 0 => Some(1),
            Type::Reference(inner) => Some(words_of(&inner.elem)),
            Type::Tuple(tuple) => {
                let parts = tuple.elems.iter();
                let count: Option<usize> = parts
                    .map(|inner| self.scalars(inner, signature, depth + 1))
                    .sum();
                count.map(|count| count.min(MANY))
            }
            Type::Path(path)
                if path.qself.is_none() && !path.path.segments.first()?.ident.eq("Self") =>
            {
                let last = path.path.segments.last()?;
                let name = last.ident.to_string();
                let is_parameter = || {
                    signature
                        .generics
                        .type_params()
                        .any(|parameter| parameter.ident == name)
                };
                match self.types.get(&name) {
                    Some(known) => self.scalars(known.as_ref()?, signature, depth + 1),
                    // What it is, only who calls the function knows; nearly always it is a number.
                    None if is_parameter() => Some(1),
                    None => known(last),
                }
            }
            _ => None,
        }
    }
}

impl Derivative {
    fn returns_constant(&self) -> bool {
        let returns = match &self.signature.output {
            ReturnType::Default => false,
            ReturnType::Type(_, given) => {
                !matches!(&**given, Type::Tuple(tuple) if tuple.elems.is_empty())
            }
        };
        returns
            && self
                .activities
                .last()
                .is_some_and(|activity| activity == "Const")
    }

    /// The arguments with tangents.
    fn moved(&self) -> Vec<&FnArg> {
        let mut inputs = self.signature.inputs.iter();
        let mut moved = Vec::new();
        let given = self
            .activities
            .split_last()
            .map_or(&[][..], |(_, given)| given);
        for activity in given {
            let input = inputs.next();
            let tangents = match &**activity {
                "Const" => continue,
                "Dualv" | "DualvOnly" => 1,
                _ => self.width,
            };
            moved.extend(input);
            for _ in 0..tangents {
                inputs.next();
            }
        }
        moved
    }
}

/// The attribute of a function that forward mode makes; `Some(None)` for another attribute.
#[expect(clippy::option_option, reason = "what is no attribute is looked into")]
fn attribute_of(group: &Group) -> Option<Option<(usize, Vec<String>)>> {
    if group.delimiter() != Delimiter::Bracket {
        return None;
    }
    let mut trees = group.stream().into_iter();
    match (trees.next(), trees.next(), trees.next()) {
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(inner)), None)
            if name == ATTRIBUTE =>
        {
            let words: Vec<String> = inner
                .stream()
                .to_string()
                .split(',')
                .map(|word| word.trim().to_string())
                .collect();
            let (mode, rest) = words.split_first()?;
            let (width, activities) = rest.split_first()?;
            Some((mode == "Forward").then(|| (width.parse().unwrap_or(1), activities.to_vec())))
        }
        _ => None,
    }
}

/// What stands at the beginning.
fn first<T: syn::parse::Parse>(trees: &[TokenTree]) -> Option<T> {
    let parser = |input: ParseStream| {
        let parsed: T = input.parse()?;
        input.parse::<TokenStream>()?;
        Ok(parsed)
    };
    parser.parse2(trees.iter().cloned().collect()).ok()
}

/// The item at the beginning, which ends with its first braces or semicolon.
fn first_item(trees: &[TokenTree]) -> Option<Item> {
    let end = trees.iter().position(|tree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    })?;
    first(&trees[..=end])
}

/// The fields of a structure as a tuple: for the machine it is the same. Those of a generic one are not known.
fn as_tuple(item: ItemStruct) -> Option<Type> {
    if item.generics.type_params().next().is_some() {
        return None;
    }
    let elems = match item.fields {
        Fields::Named(fields) => fields.named.into_iter().map(|field| field.ty).collect(),
        Fields::Unnamed(fields) => fields.unnamed.into_iter().map(|field| field.ty).collect(),
        Fields::Unit => Vec::new(),
    };
    Some(Type::Tuple(TypeTuple {
        attrs: Vec::new(),
        paren_token: Paren::default(),
        elems: elems.into_iter().collect(),
    }))
}

/// Of types of the language and of `std`.
fn known(path: &PathSegment) -> Option<usize> {
    let name = path.ident.to_string();
    match &*name {
        "f16" | "f32" | "f64" | "f128" | "bool" | "char" | "i8" | "i16" | "i32" | "i64"
        | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => Some(1),
        "PhantomData" => Some(0),
        "Vec" | "String" | "VecDeque" => Some(MANY),
        "Box" | "Rc" | "Arc" => match &path.arguments {
            PathArguments::AngleBracketed(given) => match given.args.first()? {
                GenericArgument::Type(inner) => Some(words_of(inner)),
                _ => None,
            },
            _ => None,
        },
        // One register, as `f64x4` and `__m256d` of `std` are.
        _ if name.starts_with("f32x") || name.starts_with("f64x") || name.starts_with("__m") => {
            Some(1)
        }
        _ => None,
    }
}

/// Of a reference or pointer to such a value.
fn words_of(inner: &Type) -> usize {
    match inner {
        Type::Slice(_) | Type::TraitObject(_) => 2,
        Type::Path(path) if path.path.is_ident("str") => 2,
        _ => 1,
    }
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
}
