//! `--query`: JMESPath over the JSON, as the AWS CLI's own library reads it. The only place that knows the jmespath
//! crate, which lacks two things that are written for the AWS CLI daily: strings in back quotes without quotes of
//! their own, and strings that are compared by their order, as times are.
//!
//! Source: jmespath.py (`Lexer._consume_literal`, `TreeInterpreter.visit_comparator`).

use std::fmt::Write as _;
use std::str::FromStr;

use anyhow::Context as _;
use jmespath::ast::{Ast, Comparator};
use jmespath::{Context, Expression, Rcvar, Runtime, Variable};
use serde_json::Value;

/// An expression that compiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query(String);

impl FromStr for Query {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = with_json_literals(text);
        jmespath::compile(&text).map_err(|error| format!("not JMESPath: {}", error.reason))?;
        Ok(Query(text))
    }
}

impl Query {
    /// What the expression finds in `json`.
    pub fn search(&self, json: &Value) -> anyhow::Result<Value> {
        let failed = || format!("the query `{}` cannot be answered", self.0);
        let mut runtime = Runtime::new();
        runtime.register_builtin_functions();
        for (_, name, holds) in ORDERS {
            let compare = move |arguments: &[Rcvar], _: &mut Context<'_>| Ok(ordered(arguments, *holds));
            runtime.register_function(name, Box::new(compare));
        }
        let mut tree = runtime.compile(&self.0).with_context(failed)?.as_ast().clone();
        order_strings(&mut tree);
        let found = Expression::new(self.0.as_str(), tree, &runtime).search(json).with_context(failed)?;
        serde_json::to_value(found.as_ref()).with_context(failed)
    }
}

/// Puts quotes around what stands in back quotes and is no JSON.
fn with_json_literals(text: &str) -> String {
    let mut output = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '"', '`']) {
        let (before, quoted) = rest.split_at(at);
        let (quote, inside) = quoted.split_at(1);
        let Some(end) = closing(inside, quote) else { break };
        let literal = inside[..end].replace("\\`", "`");
        let bare = format!("\"{}\"", inside[..end].trim_start());
        output.push_str(before);
        if quote == "`" && !is_json(&literal) && is_json(&bare.replace("\\`", "`")) {
            let _ = write!(output, "`{bare}`");
        } else {
            let _ = write!(output, "{quote}{}{quote}", &inside[..end]);
        }
        rest = &inside[end + 1..];
    }
    output + rest
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

/// Where the quote ends that `inside` is the rest of; a backslash takes the next character along.
fn closing(inside: &str, quote: &str) -> Option<usize> {
    let mut escaped = false;
    inside.char_indices().find_map(|(at, c)| {
        let ends = !escaped && quote.starts_with(c);
        escaped = !escaped && c == '\\';
        ends.then_some(at)
    })
}

/// A comparison by order, the function that stands for it, and the orders in which it holds.
type Order = (Comparator, &'static str, fn(std::cmp::Ordering) -> bool);

/// No name that an expression can call has a space.
const ORDERS: &[Order] = &[
    (Comparator::LessThan, "is less", std::cmp::Ordering::is_lt),
    (Comparator::LessThanEqual, "is at most", std::cmp::Ordering::is_le),
    (Comparator::GreaterThan, "is greater", std::cmp::Ordering::is_gt),
    (Comparator::GreaterThanEqual, "is at least", std::cmp::Ordering::is_ge),
];

fn ordered(arguments: &[Rcvar], holds: fn(std::cmp::Ordering) -> bool) -> Rcvar {
    let order = match arguments {
        [left, right] => match (left.as_ref(), right.as_ref()) {
            (Variable::Number(left), Variable::Number(right)) => left.as_f64().partial_cmp(&right.as_f64()),
            (Variable::String(left), Variable::String(right)) => Some(left.cmp(right)),
            _ => None,
        },
        _ => None,
    };
    Rcvar::new(order.map_or(Variable::Null, |order| Variable::Bool(holds(order))))
}

/// Puts a function of ours in the place of every comparison by order.
fn order_strings(tree: &mut Ast) {
    match tree {
        Ast::Comparison { offset, comparator, lhs, rhs } => {
            order_strings(lhs);
            order_strings(rhs);
            if let Some((_, name, _)) = ORDERS.iter().find(|(which, ..)| which == comparator) {
                let args = vec![(**lhs).clone(), (**rhs).clone()];
                *tree = Ast::Function { offset: *offset, name: (*name).to_owned(), args };
            }
        }
        Ast::Condition { predicate: one, then: two, .. }
        | Ast::Projection { lhs: one, rhs: two, .. }
        | Ast::Subexpr { lhs: one, rhs: two, .. }
        | Ast::And { lhs: one, rhs: two, .. }
        | Ast::Or { lhs: one, rhs: two, .. } => {
            order_strings(one);
            order_strings(two);
        }
        Ast::Expref { ast: node, .. }
        | Ast::Flatten { node, .. }
        | Ast::Not { node, .. }
        | Ast::ObjectValues { node, .. } => order_strings(node),
        Ast::Function { args, .. } => args.iter_mut().for_each(order_strings),
        Ast::MultiList { elements, .. } => elements.iter_mut().for_each(order_strings),
        Ast::MultiHash { elements, .. } => {
            elements.iter_mut().for_each(|element| order_strings(&mut element.value));
        }
        Ast::Identity { .. }
        | Ast::Field { .. }
        | Ast::Index { .. }
        | Ast::Literal { .. }
        | Ast::Slice { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_what_the_aws_cli_finds() {
        let json = json!({"deploymentsInfo": [{"deploymentId": "d-1", "status": "Failed"}, {"deploymentId": "d-2"}]});
        let find = |query: &str| query.parse::<Query>().unwrap().search(&json).unwrap();
        assert_eq!(find("deploymentsInfo[?status=='Failed'].deploymentId | [0]"), json!("d-1"));
        assert_eq!(
            find("deploymentsInfo[].[deploymentId, status]"),
            json!([["d-1", "Failed"], ["d-2", null]])
        );
        assert_eq!(find("length(deploymentsInfo)"), json!(2));
        assert_eq!(find("nothing"), Value::Null);
        assert!("a[".parse::<Query>().is_err());
        assert!("`x\"y`".parse::<Query>().is_err());
        assert!("`x".parse::<Query>().is_err());
    }

    #[test]
    fn strings_in_back_quotes_need_no_quotes() {
        let literals = |text: &str| with_json_literals(text);
        assert_eq!(literals("a[?b==`x y`]"), "a[?b==`\"x y\"`]");
        assert_eq!(literals("`  x`"), "`\"x\"`");
        assert_eq!(literals("`x\\`y`"), "`\"x\\`y\"`");
        for same in ["`1`", "`\"x\"`", "`[1, {}]`", "'`x`'", "\"`x`\"", "'it\\'s `x`'", "`x", "a.b[0]"] {
            assert_eq!(literals(same), same);
        }
    }

    #[test]
    fn strings_have_an_order() {
        let json = json!({"d": [{"at": "2026-01-01", "n": 1}, {"at": "2026-02-01", "n": 2}, {"n": 3}]});
        let find = |query: &str| query.parse::<Query>().unwrap().search(&json).unwrap();
        assert_eq!(find("d[?at>='2026-02'].n"), json!([2]));
        assert_eq!(find("d[?at < `2026-02`].n | [0]"), json!(1));
        assert_eq!(find("length(d[?!(at > '2026-01-31')])"), json!(2));
        assert_eq!(find("d[?n > `1` && n <= `2`].{n: n, late: at > 'x'}"), json!([{"n": 2, "late": false}]));
        assert_eq!(find("[d[0].at < d[1].at, d[0].at < `1`]"), json!([true, null]));
    }
}
