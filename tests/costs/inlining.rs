//! What V8 may inline. Envoy switches its baseline compiler off, and without counts of calls V8
//! inlines twice the size of a function, in the order of its calls. The module uses that up
//! (src/shell/inlining_budget.mjs), or it would take twice as long to start.

use wasmparser::{FunctionBody, Operator, Parser, Payload, TypeRef};

use crate::support::host::module_bytes;

/// The calls at the beginning of a body that V8 inlines, though nothing makes them: the indices of
/// what they call.
fn never_made(body: &FunctionBody<'_>) -> Vec<u32> {
    let mut operators = body.get_operators_reader().unwrap().into_iter().map(Result::unwrap);
    let is_never = matches!(operators.next(), Some(Operator::I32Const { value: 0 }))
        && matches!(operators.next(), Some(Operator::If { .. }));
    let called = operators.map_while(|operator| match operator {
        Operator::Call { function_index } => Some(function_index),
        _ => None,
    });
    if is_never { called.collect() } else { Vec::new() }
}

fn does_nothing(body: &FunctionBody<'_>) -> bool {
    let mut operators = body.get_operators_reader().unwrap().into_iter().map(Result::unwrap);
    operators.all(|operator| matches!(operator, Operator::Nop | Operator::End))
}

#[test]
fn v8_inlines_only_what_is_small() {
    let module = module_bytes();
    let (mut imports, mut bodies) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(&module) {
        match payload.unwrap() {
            Payload::ImportSection(section) => {
                let all = section.into_imports().map(Result::unwrap);
                imports = all.filter(|import| matches!(import.ty, TypeRef::Func(_))).count();
            }
            Payload::CodeSectionEntry(body) => bodies.push(body),
            _ => {}
        }
    }
    for body in &bodies {
        let mut budget = BUDGET * body.as_bytes().len();
        for index in never_made(body) {
            let called = &bodies[usize::try_from(index).unwrap() - imports];
            assert!(does_nothing(called) && called.as_bytes().len() < budget);
            budget -= called.as_bytes().len();
        }
        assert!(budget <= SMALL || does_nothing(body), "V8 may inline {budget} bytes at {:?}", body.range());
    }
}

/// In sizes of the function.
const BUDGET: usize = 2;
/// In bytes. The function itself may be smaller.
const SMALL: usize = 128;
