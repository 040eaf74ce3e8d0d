//! How many numbers a value is for the machine. Pure.

use std::collections::HashMap;

use syn::token::Paren;
use syn::{
    Fields, GenericArgument, Item, ItemStruct, PathArguments, PathSegment, Signature, Type,
    TypeTuple,
};

/// More than two: such a value is handed over through memory, so that it is one argument.
const MANY: usize = 3;

/// The types that a source declares, by name.
#[derive(Default)]
pub struct Types {
    /// Those with names that several have are not known.
    known: HashMap<String, Option<Type>>,
}

impl Types {
    /// Adds what an item declares.
    pub fn add(&mut self, item: Item) {
        let (name, made) = match item {
            Item::Struct(item) => (item.ident.to_string(), as_tuple(item)),
            Item::Type(item) if item.generics.params.is_empty() => {
                (item.ident.to_string(), Some(*item.ty))
            }
            Item::Type(item) => (item.ident.to_string(), None),
            Item::Enum(item) => (item.ident.to_string(), None),
            Item::Union(item) => (item.ident.to_string(), None),
            _ => return,
        };
        self.known
            .entry(name)
            .and_modify(|there| *there = None)
            .or_insert(made);
    }

    /// How many numbers, references or pointers a value is for the machine, up to `MANY`, where that is known.
    pub fn scalars(&self, given: &Type, signature: &Signature, depth: usize) -> Option<usize> {
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
                match self.known.get(&name) {
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
