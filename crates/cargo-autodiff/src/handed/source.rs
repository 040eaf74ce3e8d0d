//! The functions that forward mode makes, and the types, in an expanded source.

use std::collections::HashMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{FnArg, Item, ReturnType, Signature, Type};

use super::scalars::Types;

/// The attribute of a derivative in an expanded source.
const ATTRIBUTE: &str = "rustc_autodiff";

/// What is of interest in a source.
#[derive(Default)]
pub struct Source {
    /// The functions that forward mode makes.
    pub derivatives: Vec<Derivative>,
    /// The types that it has.
    pub types: Types,
    functions: HashMap<String, usize>,
}

/// A function that forward mode makes.
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
        let mut source = Self::default();
        source.look_at(tokens);
        Some(source)
    }

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
                    if let Some(item) = first_item(&trees[at..]) {
                        self.types.add(item);
                    }
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
}

impl Derivative {
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
