//! The functions that forward mode makes, the calls of those with a seed, and the types, in an expanded source.

use std::collections::HashMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{
    Expr, ExprLit, FnArg, GenericArgument, Item, Lit, PathArguments, ReturnType, Signature, Token,
    Type,
};

use super::scalars::Types;

/// The attribute of a derivative in an expanded source.
const ATTRIBUTE: &str = "rustc_autodiff";

/// What is of interest in a source.
#[derive(Default)]
pub struct Source {
    /// The functions that forward mode makes.
    pub derivatives: Vec<Derivative>,
    /// Those that reverse mode makes.
    pub gradients: Vec<Derivative>,
    /// The types that it has.
    pub types: Types,
    /// By name, where each function is declared, in order, and how many arguments its calls have where the last of them is a seed.
    declared: HashMap<String, Vec<(usize, Vec<usize>)>>,
    calls: Vec<Call>,
    words: HashMap<String, usize>,
    /// The last words of the names of modules; the crate itself is the first.
    modules: Vec<String>,
}

/// A call by name.
pub struct Call {
    /// The last word of the name.
    pub name: String,
    /// How often that word stands before it, in whatever sense.
    pub before: usize,
    after: After,
    module: usize,
    arguments: TokenStream,
}

/// What stands before a name that is called: nothing, a word and `::`, or what tells no module (a dot, `>::`).
enum After {
    Nothing,
    Path(String),
    Other,
}

/// A function that is made.
pub struct Derivative {
    /// How many functions of that name come before it.
    pub before: usize,
    /// Its name, arguments and result.
    pub signature: Signature,
    width: usize,
    /// Of each argument of what is differentiated, and of its result.
    activities: Vec<String>,
}

impl Source {
    /// Reads an expanded source; none where that is no Rust.
    pub fn read(expanded: &str) -> Option<Self> {
        let tokens: TokenStream = expanded.parse().ok()?;
        let mut source = Self {
            modules: vec!["crate".to_string()],
            ..Self::default()
        };
        source.look_at(tokens, 0);
        Some(source)
    }

    /// The calls of derivatives whose seed is anything but the literal 1.
    pub fn seeds(&self) -> impl Iterator<Item = &Call> {
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        self.calls.iter().filter(move |call| {
            let counts = self.seeded(call);
            if counts.is_empty() {
                return false;
            }
            let given = parser.parse2(call.arguments.clone());
            given.is_ok_and(|given| {
                counts.contains(&given.len()) && !given.last().is_some_and(is_one)
            })
        })
    }

    /// How many arguments a call has where the last of them is a seed. Names are not resolved: it is a function of that
    /// name in the same module, or in one of the name that stands before it, or else any.
    fn seeded(&self, call: &Call) -> Vec<usize> {
        let Some(declared) = self.declared.get(&call.name) else {
            return Vec::new();
        };
        let is_near = |module: usize| match &call.after {
            After::Nothing => module == call.module,
            After::Path(word) if word == "self" => module == call.module,
            After::Path(word) => self.modules[module] == *word,
            After::Other => false,
        };
        let is_any_near = declared.iter().any(|(module, _)| is_near(*module));
        declared
            .iter()
            .filter(|(module, _)| !is_any_near || is_near(*module))
            .flat_map(|(_, counts)| counts.iter().copied())
            .collect()
    }

    fn look_at(&mut self, tokens: TokenStream, module: usize) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let mut attribute = None;
        let mut at = 0;
        while at < trees.len() {
            if let TokenTree::Ident(word) = &trees[at] {
                self.word(&word.to_string(), &trees[..at], &trees[at + 1..], module);
            }
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
                    if let Some(item) = first_item(&trees[at..]) {
                        self.types.add(item);
                    }
                }
                TokenTree::Ident(word) if word == "fn" => {
                    if let Some(TokenTree::Ident(name)) = trees.get(at + 1) {
                        let name = name.to_string();
                        let before = self.declared.get(&name).map_or(0, Vec::len);
                        let mut counts = Vec::new();
                        if let Some((mode, width, activities)) = attribute.take()
                            && let Some(signature) = first::<Signature>(&trees[at..])
                        {
                            let derivative = Derivative {
                                before,
                                signature,
                                width,
                                activities,
                            };
                            match mode {
                                Mode::Forward => self.derivatives.push(derivative),
                                Mode::Reverse => {
                                    counts = derivative.seeded();
                                    self.gradients.push(derivative);
                                }
                            }
                        }
                        self.declared
                            .entry(name)
                            .or_default()
                            .push((module, counts));
                    }
                }
                TokenTree::Group(group) => {
                    if let Some(inner) = attribute_of(group) {
                        attribute = inner.or(attribute);
                    } else {
                        let inner = self.module(&trees[..at]).unwrap_or(module);
                        self.look_at(group.stream(), inner);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// The module that a group is the text of, by what stands before it.
    fn module(&mut self, left: &[TokenTree]) -> Option<usize> {
        match left {
            [.., TokenTree::Ident(word), TokenTree::Ident(name)] if word == "mod" => {
                self.modules.push(name.to_string());
                Some(self.modules.len() - 1)
            }
            _ => None,
        }
    }

    /// Counts a word, and keeps it where it is called.
    fn word(&mut self, name: &str, left: &[TokenTree], right: &[TokenTree], module: usize) {
        let count = self.words.entry(name.to_string()).or_default();
        let before = *count;
        *count += 1;
        let mark = |tree: Option<&TokenTree>| match tree {
            Some(TokenTree::Punct(mark)) => mark.as_char(),
            _ => ' ',
        };
        let after = match (left, mark(left.last())) {
            ([.., TokenTree::Ident(word)], _) if word == "fn" => return,
            ([.., TokenTree::Ident(word), _, _], ':') => After::Path(word.to_string()),
            (_, ':' | '.') => After::Other,
            _ => After::Nothing,
        };
        if let Some(arguments) = arguments(right) {
            self.calls.push(Call {
                name: name.to_string(),
                before,
                after,
                module,
                arguments,
            });
        }
    }
}

impl Derivative {
    /// How many arguments its calls have, as a function and as a method, where the last of them is a seed.
    fn seeded(&self) -> Vec<usize> {
        let inputs = &self.signature.inputs;
        let is_method = matches!(inputs.first(), Some(FnArg::Receiver(_)));
        match self.activities.last() {
            Some(word) if word == "Active" && is_method => vec![inputs.len(), inputs.len() - 1],
            Some(word) if word == "Active" => vec![inputs.len()],
            _ => Vec::new(),
        }
    }

    /// Whether its result is said to have no tangent.
    pub fn returns_constant(&self) -> bool {
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

    /// Whether it returns a pointer, perhaps as an option: whatever lies there would be taken for it.
    pub fn returns_pointer(&self) -> bool {
        match &self.signature.output {
            ReturnType::Default => false,
            ReturnType::Type(_, given) => is_pointer(given),
        }
    }

    /// The arguments with tangents.
    pub fn moved(&self) -> Vec<&FnArg> {
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

/// Whether it is a reference or pointer, a box, or an option of one.
fn is_pointer(given: &Type) -> bool {
    match given {
        Type::Paren(inner) => is_pointer(&inner.elem),
        Type::Group(inner) => is_pointer(&inner.elem),
        Type::Reference(_) | Type::Ptr(_) | Type::FnPtr(_) => true,
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            let owns = ["Box", "Rc", "Arc", "NonNull"]
                .iter()
                .any(|name| last.ident == name);
            owns || (last.ident == "Option" && holds_pointer(&last.arguments))
        }),
        _ => false,
    }
}

fn holds_pointer(given: &PathArguments) -> bool {
    match given {
        PathArguments::AngleBracketed(given) => given.args.iter().any(|inner| match inner {
            GenericArgument::Type(inner) => is_pointer(inner),
            _ => false,
        }),
        _ => false,
    }
}

/// How a function is differentiated.
#[derive(Clone, Copy)]
enum Mode {
    Forward,
    Reverse,
}

/// The arguments, where a call follows a name: parentheses, perhaps with types before them (`::<f64>`).
fn arguments(trees: &[TokenTree]) -> Option<TokenStream> {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) if depth == 0 => {
                return (group.delimiter() == Delimiter::Parenthesis).then(|| group.stream());
            }
            TokenTree::Punct(mark) if at < 2 && mark.as_char() == ':' => {}
            TokenTree::Punct(mark) if (at == 2 || depth > 0) && mark.as_char() == '<' => depth += 1,
            // Not that of `->`.
            TokenTree::Punct(mark) if depth > 0 && mark.as_char() == '>' && previous != '-' => {
                depth -= 1;
            }
            _ if depth > 0 => {}
            _ => return None,
        }
        previous = match tree {
            TokenTree::Punct(mark) => mark.as_char(),
            _ => ' ',
        };
    }
    None
}

/// Whether it is the number 1 as it is written.
fn is_one(argument: &Expr) -> bool {
    let digits = match argument {
        Expr::Lit(ExprLit { lit, .. }) => match lit {
            Lit::Float(number) => number.base10_digits(),
            // `1f64`
            Lit::Int(number) => number.base10_digits(),
            _ => return false,
        },
        _ => return false,
    };
    digits.parse() == Ok(1.0_f64)
}

/// The attribute of a function that is made; `Some(None)` for another attribute.
#[expect(clippy::option_option, reason = "what is no attribute is looked into")]
fn attribute_of(group: &Group) -> Option<Option<(Mode, usize, Vec<String>)>> {
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
            let mode = match &**mode {
                "Forward" => Mode::Forward,
                "Reverse" => Mode::Reverse,
                _ => return Some(None),
            };
            Some(Some((
                mode,
                width.parse().unwrap_or(1),
                activities.to_vec(),
            )))
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
