#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::IpAddr;

use super::*;

fn domain(text: &str) -> Result<String, AddressError> {
    Domain::parse(text).map(|domain| domain.to_string())
}

#[test]
fn addresses_are_relayed_as_written() {
    for text in [
        "alice@a.example",
        "Alice@A.Example",
        "postmaster",
        "POSTMASTER",
        "postmaster@a.example",
        "\"john doe\"@a.example",
        "\"a\\\"b\\\\\"@a.example",
        "\"\"@a.example",
        "\"@\"@a.example",
        "a@[192.0.2.1]",
        "a@[IPv6:2001:DB8:0:0::1]",
        "a@a.example.",
        "o'neil+x=y@a.example",
        ".a..b.@a.example",
        "jürgen@bücher.example",
        "a@例え.テスト",
    ] {
        let mailbox = Mailbox::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(mailbox.to_string(), text);
        assert_eq!(mailbox.as_str(), text);
        assert_eq!(Mailbox::parse(&mailbox.to_string()), Ok(mailbox), "what is stored is read back");
    }
}

#[test]
fn parts_of_an_address() {
    let mailbox = Mailbox::parse("\"a@b\"@Bücher.Example").unwrap();
    assert_eq!(mailbox.local(), "\"a@b\"");
    assert_eq!(mailbox.written_domain(), Some("Bücher.Example"));
    assert_eq!(mailbox.domain(), Some(&Domain::Name("xn--bcher-kva.example".to_owned())));
    assert!(!mailbox.is_ascii());
    let postmaster = Mailbox::postmaster();
    assert_eq!((postmaster.local(), postmaster.domain()), ("postmaster", None));
    assert_eq!(postmaster.written_domain(), None);
    assert_eq!(Mailbox::parse("postmaster"), Ok(postmaster));
}

#[test]
fn the_key_is_blind_to_the_spelling_of_a_domain_only() {
    let same = |a: &str, b: &str| Mailbox::parse(a).unwrap().key() == Mailbox::parse(b).unwrap().key();
    assert!(same("a@B.example", "a@b.EXAMPLE"));
    assert!(same("a@bücher.example", "a@XN--BCHER-KVA.example"));
    assert!(same("a@b.example.", "a@b.example"));
    assert!(same("a@[IPv6:2001:db8:0::1]", "a@[ipv6:2001:DB8::1]"));
    assert!(same("postmaster", "PostMaster"));
    assert!(!same("A@b.example", "a@b.example"));
    assert!(!same("\"a\"@b.example", "a@b.example"));
    assert!(!same("postmaster", "postmaster@b.example"));
    assert_ne!(
        Mailbox::parse("a@B.example"),
        Mailbox::parse("a@b.example"),
        "equality is of the written form"
    );
}

#[test]
fn what_is_no_address_says_why() {
    use AddressError::*;
    for (text, error) in [
        ("", Empty),
        ("alice", NoDomain),
        ("\"alice\"", NoDomain),
        ("\"postmaster\"", NoDomain),
        ("alice@", NoDomain),
        ("@a.example", Local),
        ("a b@a.example", Local),
        ("a\u{a0}b@a.example", Local),
        ("a\u{85}b@a.example", Local),
        ("a,b@a.example", Local),
        ("\"a@a.example", Local),
        ("\"a\"b@a.example", Local),
        ("\"a\tb\"@a.example", Local),
        ("\"a\\é\"@a.example", Local),
        ("a\"b\"@a.example", Local),
        ("a@b@c.example", Syntax),
        ("a@b@[192.0.2.1]", Syntax),
        ("a@[192.0.2.1]@c.example", Syntax),
        ("\"a@b\"@c@d.example", Syntax),
        ("a@b c", Domain),
        ("a@a..example", Domain),
        ("a@.example", Domain),
        ("a@-a.example", Domain),
        ("a@a-.example", Domain),
        ("a@.", Domain),
        ("a@xn---", Idna),
        ("a@xn--a.example", Idna),
        ("a@a\u{200c}b.example", Idna),
        ("a@[192.0.2]", Literal),
        ("a@[192.0.2.01]", Literal),
        ("a@[2001:db8::1]", Literal),
        ("a@[IPv6:192.0.2.1]", Literal),
        ("a@[IPv6:2001:db8::1", Literal),
        ("a@[]", Literal),
        ("a@[x400:abc]", Literal),
    ] {
        assert_eq!(Mailbox::parse(text), Err(error), "{text}");
    }
}

#[test]
fn lengths_are_those_of_rfc_5321() {
    let local = |octets: usize| "a".repeat(octets);
    assert!(Mailbox::parse(&format!("{}@a.example", local(64))).is_ok());
    assert_eq!(Mailbox::parse(&format!("{}@a.example", local(65))), Err(AddressError::LocalTooLong));
    assert_eq!(Mailbox::parse(&local(65)), Err(AddressError::LocalTooLong));
    // 254 octets and two brackets are the path's 256.
    let long = format!("{}.{}.{}", "b".repeat(63), "b".repeat(63), "b".repeat(62));
    let fits = format!("{}@{long}", local(254 - 1 - long.len()));
    assert_eq!(fits.len(), 254);
    assert!(Mailbox::parse(&fits).is_ok());
    assert_eq!(Mailbox::parse(&format!("a{fits}")), Err(AddressError::TooLong));
    assert_eq!(domain(&"b".repeat(63)), Ok("b".repeat(63)));
    assert_eq!(domain(&"b".repeat(64)), Err(AddressError::Domain));
    assert_eq!(domain(&"b.".repeat(128)), Err(AddressError::TooLong));
    // Counted in octets, not in characters.
    assert_eq!(Mailbox::parse(&format!("{}@a.example", "é".repeat(33))), Err(AddressError::LocalTooLong));
}

#[test]
fn domains_are_known_by_their_lower_case_a_labels() {
    assert_eq!(domain("A.Example."), Ok("a.example".to_owned()));
    assert_eq!(domain("BÜCHER.example"), Ok("xn--bcher-kva.example".to_owned()));
    assert_eq!(domain("faß.example"), Ok("xn--fa-hia.example".to_owned()));
    assert_eq!(domain("例え。テスト"), Ok("xn--r8jz45g.xn--zckzah".to_owned()));
    assert_eq!(domain("XN--BCHER-KVA.example"), Ok("xn--bcher-kva.example".to_owned()));
    assert_eq!(domain("a_b.example"), Ok("a_b.example".to_owned()));
    assert_eq!(domain("[ipv6:2001:DB8::0:1]"), Ok("[IPv6:2001:db8::1]".to_owned()));
    assert_eq!(Domain::parse("[192.0.2.1]"), Ok(Domain::Literal(IpAddr::from([192, 0, 2, 1]))));
}

#[test]
fn a_mailbox_is_made_from_parts() {
    let literal = Domain::Literal(IpAddr::from([192, 0, 2, 1]));
    assert_eq!(Mailbox::new("a", &literal).unwrap().as_str(), "a@[192.0.2.1]");
    let name = Domain::parse("Bücher.example").unwrap();
    assert_eq!(Mailbox::new("\"x y\"", &name).unwrap().as_str(), "\"x y\"@xn--bcher-kva.example");
    for bad in ["", "a b", "a@b", "\"a"] {
        assert_eq!(Mailbox::new(bad, &name), Err(AddressError::Local), "{bad}");
    }
}

#[test]
fn reverse_paths() {
    assert_eq!(ReversePath::parse(""), Ok(ReversePath::Null));
    assert_eq!(ReversePath::Null.to_string(), "");
    assert_eq!(ReversePath::parse("postmaster"), Err(AddressError::NoDomain));
    let path = ReversePath::parse("a@bücher.example").unwrap();
    assert_eq!(path.to_string(), "a@bücher.example");
    assert!(!path.is_ascii() && ReversePath::Null.is_ascii());
    assert_eq!(path.mailbox().map(Mailbox::local), Some("a"));
}

#[test]
fn paths_are_split_from_parameters() {
    for (argument, path, rest) in [
        ("<a@b>", "a@b", ""),
        ("<>", "", ""),
        (" <a@b> X", "a@b", "X"),
        ("<a@b>  X=1  Y", "a@b", "X=1  Y"),
        ("a@b X", "a@b", "X"),
        ("\"a b\"@c X", "\"a b\"@c", "X"),
        ("<\"a>b\"@c> X", "\"a>b\"@c", "X"),
        ("<\"a\\\">\"@c>", "\"a\\\">\"@c", ""),
        ("<@a:b@c>", "b@c", ""),
        ("<@a,@[192.0.2.1],@[IPv6:::1]:b@c>", "b@c", ""),
    ] {
        assert_eq!(split_path(argument), Ok((path, rest)), "{argument}");
    }
    for (argument, error) in [
        ("", AddressError::Empty),
        ("  ", AddressError::Empty),
        ("<a@b", AddressError::Brackets),
        ("<a@b>X", AddressError::Brackets),
        ("<\"a>", AddressError::Brackets),
        ("<@a>", AddressError::Route),
        ("<@a:>", AddressError::Route),
        ("<@a,b:c@d>", AddressError::Route),
        ("<@a b:c@d>", AddressError::Route),
        ("<@[IPv6:::1:c@d>", AddressError::Route),
    ] {
        assert_eq!(split_path(argument), Err(error), "{argument}");
    }
}
