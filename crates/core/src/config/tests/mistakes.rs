//! What is refused, and how that is told.

use insta::assert_snapshot;

use super::*;

#[test]
fn every_mistake_is_told_at_once_in_the_order_of_the_text() {
    assert_snapshot!(bad("hostnam = 'gw'\n[queue]\nlow = 'much'\nreserve = true\n[dns]\nattempts = 0\n"));
}

/// One mistake of each kind, and the whole of what an operator reads about it.
#[test]
fn the_table_of_mistakes() {
    let table: Vec<String> = MISTAKES.iter().map(|text| bad(text)).collect();
    assert_snapshot!(table.join("\n"));
}

const MISTAKES: &[&str] = &[
    // Text that is not TOML.
    "hostname = gw.example.com\n",
    "hostname = 'a.example'\nhostname = 'b.example'\n",
    "[queue\nlow = '1 GiB'\n",
    // Keys.
    "lissener = 5\n",
    "domains = ['example.com']\n",
    "[dns]\nhostname = 'gw.example.com'\n",
    "[log]\nwidth = 80\n",
    "[[credentials]]\nname = 'a'\nuser = 'u'\npassword = 'hunter2'\npassword_file = '/p'\n",
    "[[queue]]\nlow = '1 GiB'\n",
    "[route]\ndomain = 'a.example'\nto = ['b']\n",
    "route = [5]\n",
    // Types.
    "hostname = 5\n",
    "[limits]\nrecipients = '100'\n",
    "[limits]\nmessage_bytes = 1.5\n",
    "[timeouts]\ncommand = false\n",
    "[accept]\ndomains = 'example.com'\n",
    "[accept]\ndomains = ['a.example', 5]\n",
    "[[bounce_profile]]\nname = 'p'\nsend_bounces = 'yes'\n",
    // Values.
    "[limits]\nrecipients = 0\n",
    "[limits]\nhops = -1\n",
    "[limits]\nmessage_bytes = '5 TiB'\n",
    "[limits]\nmessage_bytes = '5 M'\n",
    "[timeouts]\nsession = '5 minutes'\n",
    "[timeouts]\ndata = '2d'\n",
    "[limits]\nline_ends = 'normalize'\n",
    "[destination_default]\ntls = 'mandatory'\n",
    "hostname = 'gw_1..example'\n",
    "hostname = 'https://gw.example.com'\n",
    "data_dir = 'spool'\n",
    "[log]\nfile = '../mail'\n",
    "[log]\ntimezone = 'Mars/Olympus'\n",
    "[[listener]]\nname = 'In'\naddress = '192.0.2.1'\n",
    "[[listener]]\nname = 'In side'\naddress = '::1'\n",
    "[[listener]]\ntls = true\n",
    "[accept]\ndomains = ['*', 'user@example.com']\n",
    "[accept]\nrelay_networks = ['10.1.2.3/8', 'ten', '::ffff:10.0.0.0/104']\n",
    "[accept]\nrelay_networks = ['0.0.0.0/0']\n",
    "[dns]\nservers = ['ns.example.com']\n",
    "[delivery]\nsource_addresses = ['192.0.2.1/32']\n",
    // Twice.
    "[accept]\ndomains = ['a.example', 'A.example']\n",
    "[[listener]]\nname='A'\naddress='127.0.0.1:25'\n[[listener]]\nname='A'\naddress='127.0.0.1:26'\n",
    "[[route]]\ndomain='a.example'\nto=['b']\n[[route]]\ndomain='A.example'\nto=['c']\n",
    "[[bounce_profile]]\nname = 'p'\n[[bounce_profile]]\nname = 'p'\n",
    "[[credentials]]\nname='a'\nuser='u'\npassword_file='/p'\n[[credentials]]\nname='a'\nuser='v'\npassword_file='/q'\n",
    "[[route]]\ndomain = 'a.example'\nto = ['b', 'B:25']\n",
    // What is named must be there.
    "[destination_default]\nbounce_profile = 'patient'\n",
    "[[route]]\ndomain = 'ALL'\nto = ['smart.example']\ncredentials = 'me'\n",
    // What cannot be together.
    "[[listener]]\nname='A'\naddress='0.0.0.0:25'\n[[listener]]\nname='B'\naddress='127.0.0.1:25'\n",
    "[[listener]]\nname = 'A'\naddress = '0.0.0.0:25'\nmax_connections = 5\nmax_connections_per_ip = 6\n",
    "[queue]\nlow = '1 MiB'\n",
    "[limits]\nmessage_bytes = '64 KiB'\nheader_bytes = '65 KiB'\n",
    "[timeouts]\nsession = '1m'\n",
    "[tls]\ncertificate = '/c.pem'\n",
    "[tls]\nkey = '/k.pem'\n",
    "[delivery]\nsource_addresses = ['192.0.2.1']\nip_preference = 'v6_only'\n",
    "[[bounce_profile]]\nname = 'p'\ninitial = '2h'\nmax_queue = '1h'\ndelay_report = '3h'\n",
    "[[destination]]\ndomain = 'ALL'\n",
    "[[route]]\ndomain = 'ALL'\nto = ['a']\n[[route]]\ndomain = 'b.example'\nto = ['b']\n",
    "[[route]]\ndomain = '.a.example'\nto = ['a']\n[[route]]\ndomain = 'x.a.example'\nto = ['b']\n",
    "[[route]]\ndomain = 'a.example'\nto = []\n",
    "[[route]]\ndomain = 'a.example'\nto = ['USEDNS', 'b']\n",
    "[[route]]\ndomain = 'a.example'\nto = ['b', '/dev/null']\n",
    "[[route]]\ndomain = 'a.example'\nto = ['/dev/null']\ntls = 'implicit'\n",
    "[[route]]\ndomain = '*'\nto = ['192.0.2.7', '[192.0.2.7', 'h:x', 'h/pri=x', 'a..b']\n",
];

#[test]
fn a_text_that_is_not_toml_is_still_read_as_far_as_it_goes() {
    let shown = bad("[destination_default]\nbounce_profile = 'later'\ntls = 'perhaps'\n[[bounce_profile\n");
    assert!(shown.contains("`tls` cannot be \"perhaps\""), "{shown}");
    // The profile may well stand in the part that could not be read.
    assert!(!shown.contains("later"), "{shown}");
}

#[test]
fn what_may_be_a_secret_is_not_shown() {
    let config = "[[credentials]]\nname='s'\nuser='u'\npassword = 'hunter2'\npassword_file='/p'\n";
    assert!(!bad(config).contains("hunter2"));
    for line in
        ["smtp_secret = 'hunter2'", "password = hunter2", "credentials = [{ \"password\" = 'hunter2', x = }]"]
    {
        assert!(!bad(line).contains("hunter2"), "{}", bad(line));
    }
    assert!(!format!("{:?}", good(REFERENCE)).contains("hunter2"));
}

#[test]
fn lines_and_columns_count_characters_of_the_text() {
    let text = "# ünïcödé\r\n\r\n[log]\r\nfile = 'ü/x'\r\n";
    let mistakes = Config::parse(text, &defaults()).unwrap_err();
    let found: Vec<(usize, usize, &str)> =
        mistakes.iter().map(|m| (m.line, m.column, &text[m.span.clone()])).collect();
    assert_eq!(found, [(4, 8, "'ü/x'")]);
    let text = "ü = 'a'  # same line\n";
    assert_eq!(Config::parse(text, &defaults()).unwrap_err()[0].column, 1);
}

#[test]
fn long_lines_and_control_characters_are_shown_safely() {
    let long = format!("[log]\nkeep = {}0 # \u{202e}end\n", " ".repeat(300));
    assert_snapshot!(bad(&long));
    let mistake = &Config::parse("[log]\nkeep = -1 #\u{9b}\u{202e}\t|\n", &defaults()).unwrap_err()[0];
    let shown = render(mistake, "[log]\nkeep = -1 #\u{9b}\u{202e}\t|\n", "x");
    assert!(!shown.contains(['\u{9b}', '\u{202e}', '\t']), "{shown:?}");
}

/// Whatever the text, a mistake can be shown: neither the walk nor the picture panics.
#[test]
fn no_cut_of_the_reference_file_panics() {
    for end in (0..REFERENCE.len()).filter(|end| REFERENCE.is_char_boundary(*end)).step_by(7) {
        let text = &REFERENCE[..end];
        for mistake in Config::parse(text, &defaults()).err().unwrap_or_default() {
            assert!(render(&mistake, text, "cut.toml").starts_with("error: "));
        }
    }
}

#[test]
fn a_mistake_in_the_middle_of_the_file_leaves_the_rest_checked() {
    let text = REFERENCE.replace("keep = 10 ", "keep = 'ten' ").replace("hops = 100", "hops = 0");
    let mistakes = Config::parse(&text, &defaults()).unwrap_err();
    let messages: Vec<&str> = mistakes.iter().map(|m| m.message.as_str()).collect();
    assert_eq!(messages, ["`hops` cannot be 0", "`keep` is a string"]);
}
