//! Which types are known not to be Send, from their names and from the file's own items.

use std::collections::{HashMap, HashSet};

use syn::visit::Visit;
use syn::{GenericArgument, PathArguments, Type, TypeParamBound};

use crate::reason;

/// Why a value stays on its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotSend {
    /// What it is, in words.
    pub(crate) what: &'static str,
    /// Whether that is known; else only the compiler can tell.
    pub(crate) certain: bool,
}

impl NotSend {
    const fn known(what: &'static str) -> Self {
        let certain = true;
        NotSend { what, certain }
    }

    /// The same, where `certain` says whether it is known.
    pub(crate) fn known_if(self, certain: bool) -> Self {
        let certain = self.certain && certain;
        NotSend { certain, ..self }
    }
}

/// A lock's guard.
pub(crate) const GUARD: NotSend = NotSend::known(reason::GUARD);
/// A `RefCell`'s borrow.
pub(crate) const BORROW: NotSend = NotSend::known(reason::BORROW);
/// An `Rc`.
pub(crate) const RC: NotSend = NotSend::known("an `Rc`");
/// A pointer.
pub(crate) const POINTER: NotSend = NotSend::known("a raw pointer");
/// A scenario.
pub(crate) const SCENARIO: NotSend = NotSend::known("a `FailScenario`");
/// A generator of random numbers.
pub(crate) const GENERATOR: NotSend = NotSend::known("a thread's random generator");
/// Standard output's lock.
pub(crate) const STREAM: NotSend = NotSend::known("the lock of a standard stream");
/// What `enter` gives: of a span, or of a runtime.
pub(crate) const ENTERED: NotSend = NotSend::known("an entered span or runtime");
/// A trait object.
pub(crate) const OBJECT: NotSend = NotSend::known("a `Box<dyn ..>` without `Send`");

/// Types of the standard library whose guards stay on their thread, and the error of its locks.
const CELLS: [&str; 4] = ["Mutex", "RwLock", "RefCell", "PoisonError"];

/// Traits that are there without an import, none of them Send.
const PRELUDE: [&str; 7] = [
    "Fn", "FnMut", "FnOnce", "Iterator", "AsRef", "Into", "ToString",
];

/// Traits that ask for traits end somewhere.
const DEPTH: usize = 12;

/// What a file's items say about types.
#[derive(Debug, Default)]
pub(crate) struct Types<'ast> {
    /// Name in scope, and the path it stands for. One table for the file: good enough for types.
    imports: HashMap<String, Vec<String>>,
    /// Return types of functions by name, and of methods by type and name.
    functions: HashMap<String, Vec<&'ast Type>>,
    methods: HashMap<(String, String), Vec<&'ast Type>>,
    /// Return types of methods by name alone: the type of a receiver is not known.
    methods_by_name: HashMap<String, Vec<&'ast Type>>,
    /// Traits of the file, and what they ask of a type.
    traits: HashMap<String, Vec<&'ast TypeParamBound>>,
    /// What the file calls by its path, where that is a lock or cell of the standard library.
    cells: HashSet<&'static str>,
    /// Paths that may be such a type's.
    paths: Vec<(&'static str, &'ast syn::Path)>,
    /// Types of fields, by type and name.
    fields: HashMap<(String, String), &'ast Type>,
    /// Structs, enums and aliases of the file, with the types in them.
    own: HashMap<String, Vec<&'ast Type>>,
    /// Those of them that are not Send, and why.
    own_not_send: HashMap<String, NotSend>,
    /// Types that say themselves that they are Send.
    declared_send: HashSet<String>,
    owner: Option<String>,
}

impl<'ast> Types<'ast> {
    /// Looks through a file's items.
    pub(crate) fn of(file: &'ast syn::File) -> Types<'ast> {
        let mut types = Types::default();
        types.visit_file(file);
        types.settle();
        types
    }

    /// Finds the file's own types that are not Send: those with such a type in them, then
    /// those with one of these in them, until there are no more.
    fn settle(&mut self) {
        let of_std = |full: &[String]| {
            let head = full.first().map(String::as_str);
            matches!(head, Some("std" | "core" | "PoisonError"))
        };
        for (cell, path) in std::mem::take(&mut self.paths) {
            if of_std(&self.full_path(path)) {
                self.cells.insert(cell);
            }
        }
        let imported = |cell: &&&str| self.imports.get(**cell).is_some_and(|path| of_std(path));
        self.cells.extend(CELLS.iter().filter(imported));
        loop {
            let unsettled = self.own.iter().filter(|(name, _)| {
                !self.own_not_send.contains_key(*name) && !self.declared_send.contains(*name)
            });
            let found: Vec<(String, NotSend)> = unsettled
                .filter_map(|(name, types)| {
                    let what = types.iter().find_map(|ty| self.not_send(ty))?;
                    Some((name.clone(), what))
                })
                .collect();
            if found.is_empty() {
                return;
            }
            self.own_not_send.extend(found);
        }
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

    /// The type of a field of one of the file's structs.
    pub(crate) fn field(&self, owner: &str, name: &str) -> Option<&'ast Type> {
        let key = (owner.to_owned(), name.to_owned());
        self.fields.get(&key).copied()
    }

    /// Whether no field of this name has a lock or cell of the standard library in its type.
    pub(crate) fn is_no_cell(&self, field: &str) -> bool {
        let mut fields = self
            .fields
            .iter()
            .filter(|((_, name), _)| name == field)
            .peekable();
        fields.peek().is_some() && fields.all(|(_, ty)| !has_cell(ty))
    }

    /// What the methods of this name return, whatever their type.
    pub(crate) fn returned_by_method(&self, name: &str) -> &[&'ast Type] {
        self.methods_by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Why a type is not Send, where that is known.
    pub(crate) fn not_send(&self, ty: &Type) -> Option<NotSend> {
        match ty {
            Type::Ptr(_) => Some(POINTER),
            Type::Reference(reference) => self.not_send(&reference.elem),
            Type::Paren(paren) => self.not_send(&paren.elem),
            Type::Group(group) => self.not_send(&group.elem),
            Type::Array(array) => self.not_send(&array.elem),
            Type::Slice(slice) => self.not_send(&slice.elem),
            Type::Tuple(tuple) => tuple.elems.iter().find_map(|ty| self.not_send(ty)),
            Type::Path(path) => self.path_not_send(&path.path),
            _ => None,
        }
    }

    /// By the type's name, whoever made it; else by what is in it.
    fn path_not_send(&self, path: &syn::Path) -> Option<NotSend> {
        let last = path.segments.last()?;
        let name = last.ident.to_string();
        if path.segments.len() == 1 && self.own.contains_key(&name) {
            if self.declared_send.contains(&name) {
                return None;
            }
            if let Some(what) = self.own_not_send.get(&name) {
                return Some(*what);
            }
        } else if let Some(what) = self.known_not_send(&name, path) {
            return Some(what);
        }
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return None;
        };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::Type(Type::TraitObject(object)) if name == "Box" => {
                let send = self.is_send(&object.bounds, 0);
                (send != Some(true)).then(|| OBJECT.known_if(send == Some(false)))
            }
            GenericArgument::Type(inner) => self.not_send(inner),
            _ => None,
        })
    }

    /// The types of the standard library and of much used crates.
    fn known_not_send(&self, name: &str, path: &syn::Path) -> Option<NotSend> {
        let full = self.full_path(path);
        let from = |module: &str| full.iter().any(|segment| segment == module);
        // By the name alone, or by one of the standard library's.
        let bare_or_std = full.len() == 1 || from("std") || from("alloc") || from("core");
        match name {
            "MutexGuard"
            | "RwLockReadGuard"
            | "RwLockWriteGuard"
            | "MappedMutexGuard"
            | "MappedRwLockReadGuard"
            | "MappedRwLockWriteGuard"
            | "ReentrantMutexGuard" => {
                let elsewhere = ["tokio", "async_lock", "futures", "crate"];
                // Those of other crates may be Send, by a feature for example.
                let guard = GUARD.known_if(from("std"));
                (!elsewhere.into_iter().any(from)).then_some(guard)
            }
            "Rc" => Some(RC.known_if(bare_or_std)),
            "Weak" if from("rc") => Some(RC),
            "Ref" | "RefMut" if from("cell") => Some(BORROW),
            "Ref" if from("watch") => Some(GUARD),
            "FailScenario" => Some(SCENARIO),
            "ThreadRng" => Some(GENERATOR),
            "Entered" | "EnteredSpan" | "EnterGuard" => {
                Some(ENTERED.known_if(from("tracing") || from("tokio")))
            }
            "StdoutLock" | "StderrLock" | "StdinLock" => Some(STREAM),
            "LocalBoxFuture" => Some(OBJECT),
            _ => None,
        }
    }

    /// Why a struct, enum or alias of the file is not Send: something in it.
    pub(crate) fn own_not_send(&self, name: &str) -> Option<NotSend> {
        self.own_not_send.get(name).copied()
    }

    /// Whether the bounds of a trait object make it Send; `None` where that is not in sight.
    fn is_send<'b>(
        &self,
        bounds: impl IntoIterator<Item = &'b TypeParamBound>,
        depth: usize,
    ) -> Option<bool> {
        let traits = bounds.into_iter().filter_map(|bound| match bound {
            TypeParamBound::Trait(bound) => Some(&bound.path),
            _ => None,
        });
        let mut all_known = true;
        for path in traits {
            let full = self.full_path(path);
            let name = full.last().map_or("", String::as_str);
            let of_std = full
                .first()
                .is_some_and(|head| head == "std" || head == "core");
            let send = match self.traits.get(name) {
                _ if name == "Send" => Some(true),
                Some(bounds) if full.len() == 1 && depth < DEPTH => {
                    self.is_send(bounds.iter().copied(), depth + 1)
                }
                _ if of_std || (full.len() == 1 && PRELUDE.contains(&name)) => Some(false),
                _ => None,
            };
            match send {
                Some(true) => return send,
                Some(false) => {}
                None => all_known = false,
            }
        }
        all_known.then_some(false)
    }

    /// Whether the file names the standard library's type that methods of this name lock.
    pub(crate) fn names_cell(&self, method: &str) -> bool {
        let cell = match method {
            "lock" | "try_lock" => "Mutex",
            "read" | "try_read" | "write" | "try_write" => "RwLock",
            "borrow" | "borrow_mut" | "try_borrow" | "try_borrow_mut" => "RefCell",
            _ => return false,
        };
        self.cells.contains(cell) || (cell != "RefCell" && self.cells.contains("PoisonError"))
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
            Some(owner) => {
                let by_name = self.methods_by_name.entry(name.clone()).or_default();
                by_name.push(ty);
                self.methods.entry((owner.clone(), name)).or_default()
            }
            None => self.functions.entry(name).or_default(),
        }
        .push(ty);
    }
}

impl<'ast> Visit<'ast> for Types<'ast> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = |cell: &&&str| path.segments.iter().any(|segment| segment.ident == **cell);
        if let Some(cell) = CELLS.iter().find(names) {
            self.paths.push((*cell, path));
        }
        syn::visit::visit_path(self, path);
    }

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
            self.declared_send.insert(owner.clone());
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
        let mut bounds: Vec<&TypeParamBound> = item.supertraits.iter().collect();
        let clause = item.generics.where_clause.iter();
        for predicate in clause.flat_map(|clause| &clause.predicates) {
            if let syn::WherePredicate::Type(of) = predicate {
                if last_name(&of.bounded_ty) == "Self" {
                    bounds.extend(&of.bounds);
                }
            }
        }
        self.traits.insert(item.ident.to_string(), bounds);
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
        for field in &item.fields {
            if let Some(name) = &field.ident {
                let key = (item.ident.to_string(), name.to_string());
                self.fields.insert(key, &field.ty);
            }
        }
        self.own.insert(item.ident.to_string(), types);
        syn::visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let fields = item.variants.iter().flat_map(|variant| &variant.fields);
        let types = fields.map(|field| &field.ty).collect();
        self.own.insert(item.ident.to_string(), types);
        syn::visit::visit_item_enum(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.own.insert(item.ident.to_string(), vec![&item.ty]);
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

/// Whether a type names a lock or cell that the standard library has as well.
pub(crate) fn has_cell(ty: &Type) -> bool {
    struct Cells(bool);
    impl<'e> Visit<'e> for Cells {
        fn visit_ident(&mut self, ident: &'e proc_macro2::Ident) {
            self.0 |= CELLS.iter().any(|cell| ident == cell);
        }
    }
    let mut search = Cells(false);
    search.visit_type(ty);
    search.0
}

/// The name of the type that a value's methods are of, through references and the pointers and
/// locks that lead to it; `None` for a type without a name.
pub(crate) fn pointee(ty: &Type) -> Option<String> {
    let through = [
        "Arc",
        "Rc",
        "Box",
        "Pin",
        "Mutex",
        "RwLock",
        "RefCell",
        "Option",
        "MutexGuard",
        "RwLockReadGuard",
        "RwLockWriteGuard",
        "Ref",
        "RefMut",
    ];
    let path = match ty {
        Type::Reference(reference) => return pointee(&reference.elem),
        Type::Paren(paren) => return pointee(&paren.elem),
        Type::Path(path) => path.path.segments.last()?,
        _ => return None,
    };
    let name = path.ident.to_string();
    match &path.arguments {
        PathArguments::AngleBracketed(list) if through.contains(&name.as_str()) => {
            let mut inner = list.args.iter().filter_map(|argument| match argument {
                GenericArgument::Type(inner) => Some(inner),
                _ => None,
            });
            inner.next().and_then(pointee)
        }
        // A type's parameter may be any type.
        _ if name.len() == 1 => None,
        _ => Some(name),
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
