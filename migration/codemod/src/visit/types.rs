//! Which types are known not to be Send, from their names and from the file's own items.

use std::collections::HashMap;

use syn::visit::Visit;
use syn::{GenericArgument, PathArguments, Type, TypeParamBound};

/// The words for a lock's guard.
pub(crate) const GUARD: &str = "the guard of a lock";
/// The words for a `RefCell`'s borrow.
pub(crate) const BORROW: &str = "a borrow of a `RefCell`";
/// The words for an `Rc`.
pub(crate) const RC: &str = "an `Rc`";
/// The words for a pointer.
pub(crate) const POINTER: &str = "a raw pointer";
/// The words for a scenario.
pub(crate) const SCENARIO: &str = "a `FailScenario`";
/// The words for a generator of random numbers.
pub(crate) const GENERATOR: &str = "a thread's random generator";
/// The words for standard output's lock.
pub(crate) const STREAM: &str = "the lock of a standard stream";
/// The words for what `enter` gives: of a span, or of a runtime.
pub(crate) const ENTERED: &str = "an entered span or runtime";
/// The words for a trait object.
pub(crate) const OBJECT: &str = "a `Box<dyn ..>` without `Send`";

/// What a file's items say about types.
#[derive(Debug, Default)]
pub(crate) struct Types<'ast> {
    /// Name in scope, and the path it stands for. One table for the file: good enough for types.
    imports: HashMap<String, Vec<String>>,
    /// Return types of functions by name, and of methods by type and name.
    functions: HashMap<String, Vec<&'ast Type>>,
    methods: HashMap<(String, String), Vec<&'ast Type>>,
    aliases: HashMap<String, &'ast Type>,
    /// Traits of the file, and whether they ask for Send.
    traits: HashMap<String, bool>,
    /// Structs and enums of the file, with the types in them.
    structs: HashMap<String, Vec<&'ast Type>>,
    /// Types that say themselves that they are Send.
    declared_send: Vec<String>,
    owner: Option<String>,
}

impl<'ast> Types<'ast> {
    /// Looks through a file's items.
    pub(crate) fn of(file: &'ast syn::File) -> Types<'ast> {
        let mut types = Types::default();
        types.visit_file(file);
        types
    }

    /// What a function of the file returns: `free()` or `Type::function()`.
    pub(crate) fn returned_by(&self, path: &syn::Path) -> &[&'ast Type] {
        let mut names = path.segments.iter().rev().map(|s| s.ident.to_string());
        let Some(name) = names.next() else {
            return &[];
        };
        let found = match names.next() {
            Some(owner) if owner == "Self" => return self.returned_by_method(&name),
            Some(owner) if owner.starts_with(char::is_uppercase) => {
                self.methods.get(&(owner, name))
            }
            _ => self.functions.get(&name),
        };
        found.map_or(&[], Vec::as_slice)
    }

    /// What a method of the file returns, whatever its type.
    pub(crate) fn returned_by_method(&self, name: &str) -> &[&'ast Type] {
        self.methods
            .iter()
            .find(|((_, method), _)| method == name)
            .map_or(&[], |(_, types)| types.as_slice())
    }

    /// Why a type is not Send, where that is known.
    pub(crate) fn not_send(&self, ty: &Type) -> Option<&'static str> {
        self.not_send_within(ty, 0)
    }

    fn not_send_within(&self, ty: &Type, depth: usize) -> Option<&'static str> {
        if depth > 16 {
            return None;
        }
        match ty {
            Type::Ptr(_) => Some(POINTER),
            Type::Reference(reference) => self.not_send_within(&reference.elem, depth + 1),
            Type::Paren(paren) => self.not_send_within(&paren.elem, depth + 1),
            Type::Group(group) => self.not_send_within(&group.elem, depth + 1),
            Type::Array(array) => self.not_send_within(&array.elem, depth + 1),
            Type::Slice(slice) => self.not_send_within(&slice.elem, depth + 1),
            Type::Tuple(tuple) => tuple
                .elems
                .iter()
                .find_map(|ty| self.not_send_within(ty, depth + 1)),
            Type::ImplTrait(_) | Type::TraitObject(_) => None,
            Type::Path(path) => self.path_not_send(&path.path, depth),
            _ => None,
        }
    }

    fn path_not_send(&self, path: &syn::Path, depth: usize) -> Option<&'static str> {
        let last = path.segments.last()?;
        let name = last.ident.to_string();
        let full = self.full_path(path);
        let from = |module: &str| full.iter().any(|segment| segment == module);
        let elsewhere = from("tokio") || from("async_lock") || from("futures") || from("crate");
        let own = path.segments.len() == 1 && self.structs.contains_key(&name);
        let known = match name.as_str() {
            _ if own => None,
            "MutexGuard"
            | "RwLockReadGuard"
            | "RwLockWriteGuard"
            | "MappedMutexGuard"
            | "MappedRwLockReadGuard"
            | "MappedRwLockWriteGuard"
            | "ReentrantMutexGuard"
                if !elsewhere =>
            {
                Some(GUARD)
            }
            "Rc" => Some(RC),
            "Weak" if from("rc") => Some(RC),
            "Ref" | "RefMut" if from("cell") => Some(BORROW),
            "Ref" if from("watch") => Some(GUARD),
            "FailScenario" => Some(SCENARIO),
            "ThreadRng" => Some(GENERATOR),
            "Entered" | "EnteredSpan" | "EnterGuard" => Some(ENTERED),
            "StdoutLock" | "StderrLock" | "StdinLock" => Some(STREAM),
            "LocalBoxFuture" => Some(OBJECT),
            _ => None,
        };
        if known.is_some() {
            return known;
        }
        if own {
            return self.struct_not_send(&name, depth);
        }
        if path.segments.len() == 1 {
            if let Some(alias) = self.aliases.get(&name) {
                if let Some(what) = self.not_send_within(alias, depth + 1) {
                    return Some(what);
                }
            }
        }
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return None;
        };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::Type(Type::TraitObject(object)) if name == "Box" => {
                (!self.is_send(&object.bounds)).then_some(OBJECT)
            }
            GenericArgument::Type(inner) => self.not_send_within(inner, depth + 1),
            _ => None,
        })
    }

    /// Why a struct or enum of the file is not Send: something in it.
    pub(crate) fn struct_not_send(&self, name: &str, depth: usize) -> Option<&'static str> {
        if depth > 16 || self.declared_send.iter().any(|send| send == name) {
            return None;
        }
        let mut types = self.structs.get(name)?.iter();
        types.find_map(|ty| self.not_send_within(ty, depth + 1))
    }

    fn is_send<'b>(&self, bounds: impl IntoIterator<Item = &'b TypeParamBound>) -> bool {
        bounds.into_iter().any(|bound| match bound {
            TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|segment| {
                segment.ident == "Send"
                    || self
                        .traits
                        .get(&segment.ident.to_string())
                        .is_some_and(|send| *send)
            }),
            _ => false,
        })
    }

    /// The path with its first name replaced by what the file imports under it.
    pub(crate) fn full_path(&self, path: &syn::Path) -> Vec<String> {
        let mut names = path.segments.iter().map(|s| s.ident.to_string());
        let first = names.next().unwrap_or_default();
        let mut full = match self.imports.get(&first) {
            Some(import) => import.clone(),
            None => vec![first],
        };
        full.extend(names);
        full
    }

    fn add_function(&mut self, signature: &'ast syn::Signature) {
        let syn::ReturnType::Type(_, ty) = &signature.output else {
            return;
        };
        let name = signature.ident.to_string();
        match &self.owner {
            Some(owner) => self.methods.entry((owner.clone(), name)).or_default(),
            None => self.functions.entry(name).or_default(),
        }
        .push(ty);
    }
}

impl<'ast> Visit<'ast> for Types<'ast> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        fn walk(
            tree: &syn::UseTree,
            mut path: Vec<String>,
            into: &mut HashMap<String, Vec<String>>,
        ) {
            match tree {
                syn::UseTree::Path(inner) => {
                    path.push(inner.ident.to_string());
                    walk(&inner.tree, path, into);
                }
                syn::UseTree::Name(name) => {
                    if name.ident != "self" {
                        path.push(name.ident.to_string());
                    }
                    if let Some(last) = path.last() {
                        into.insert(last.clone(), path);
                    }
                }
                syn::UseTree::Rename(rename) => {
                    path.push(rename.ident.to_string());
                    into.insert(rename.rename.to_string(), path);
                }
                syn::UseTree::Group(group) => {
                    for tree in &group.items {
                        walk(tree, path.clone(), into);
                    }
                }
                syn::UseTree::Glob(_) => {}
            }
        }
        walk(&item.tree, Vec::new(), &mut self.imports);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let owner = self.owner.take();
        self.add_function(&item.sig);
        syn::visit::visit_item_fn(self, item);
        self.owner = owner;
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let owner = last_name(&item.self_ty);
        let of_send = item.trait_.as_ref().is_some_and(|(not, path, _)| {
            not.is_none()
                && path
                    .segments
                    .last()
                    .is_some_and(|last| last.ident == "Send")
        });
        if of_send {
            self.declared_send.push(owner.clone());
        }
        let outer = self.owner.replace(owner);
        syn::visit::visit_item_impl(self, item);
        self.owner = outer;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add_function(&item.sig);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let send = item.supertraits.iter().any(|bound| match bound {
            TypeParamBound::Trait(bound) => bound.path.is_ident("Send"),
            _ => false,
        });
        self.traits.insert(item.ident.to_string(), send);
        let outer = self.owner.replace(item.ident.to_string());
        syn::visit::visit_item_trait(self, item);
        self.owner = outer;
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.add_function(&item.sig);
        syn::visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let types = item.fields.iter().map(|field| &field.ty).collect();
        self.structs.insert(item.ident.to_string(), types);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let fields = item.variants.iter().flat_map(|variant| &variant.fields);
        let types = fields.map(|field| &field.ty).collect();
        self.structs.insert(item.ident.to_string(), types);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.aliases.insert(item.ident.to_string(), &item.ty);
    }
}

/// The last name of a type's path; empty for types without one.
pub(crate) fn last_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string())
            .unwrap_or_default(),
        Type::Reference(reference) => last_name(&reference.elem),
        _ => String::new(),
    }
}

/// The type that `?` or `unwrap` takes out of a `Result<T, E>`; others as they are.
pub(crate) fn taken_out(ty: &Type) -> &Type {
    let Type::Path(path) = ty else { return ty };
    let Some(last) = path.path.segments.last() else {
        return ty;
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return ty;
    };
    if !last.ident.to_string().ends_with("Result") && last.ident != "Option" {
        return ty;
    }
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) => inner,
        _ => ty,
    }
}
