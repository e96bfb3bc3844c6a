//! What refusals say, in the words of the field and in several languages.
//!
//! A pattern is a text of pieces that stand in a reply in this order; ` .. ` stands for anything between them, `|` between
//! patterns. The first one that fits decides, so what is particular stands before what is general.

use super::ReplyClass;
use super::ReplyClass::{
    AuthenticationFailed, CommandRefused, ContentRejected, DomainBlocklisted, EncryptionRequired, Greylisted,
    IpBlocklisted, IpReputation, LoginRequired, MailLoop, MailboxFull, MalformedMessage, NoMailHere,
    NoReverseDns, PeerBusy, PeerFault, PeerOutOfSpace, PeerRateLimit, Policy, RecipientDisabled, RelayDenied,
    SenderDomainUnresolvable, SenderRejected, TooBig, TooManyRecipients, UnknownDomain, UnknownRecipient,
    VirusFound,
};
use super::words::Spoken;

type Patterns = &'static [(ReplyClass, &'static str)];

/// Words that mean one thing whatever status stands before them.
const BEYOND_DOUBT: Patterns = &[
    (Greylisted, "greylist|graylist|grey list|gray list|grey-list|postgrey"),
    (
        IpBlocklisted,
        "client host .. blocked using|host .. listed in .. rbl|blocked by rbl|found in .. dnsbl|\
         listed in .. dnsbl",
    ),
    (
        PeerRateLimit,
        "sent to too many recipients this hour|receiving mail too quickly|at a rate that prevents",
    ),
    (
        MailboxFull,
        "mailbox is full|mailbox full|over quota|quota exceeded|exceeded .. quota|out of storage space",
    ),
    (
        RecipientDisabled,
        "account that you tried to reach is disabled|account that you tried to reach is inactive|\
         account is disabled|inactive email address",
    ),
];

/// Everything else, by topic.
const PATTERNS: Patterns = &[
    (
        MalformedMessage,
        "header error|rfc 5322 compliant|rfc 2822|multiple addresses in from|addresses in from: header|\
         duplicate header|headers too large|line limit exceeded|line too long|bare lf|media error|\
         conversion required|missing .. header|malformed|message-id .. missing",
    ),
    (VirusFound, "virus|malware|infected|trojan"),
    (
        AuthenticationFailed,
        "dmarc|spf check|spf fail|spf record|bad spf|dkim|unauthenticated email|is unauthenticated|\
         not authenticated|sender policy framework|authentication checks failed|\
         authentication information|mismatches client ip|invalid ip .. of domain|ip .. not allowed for domain|purported responsible address",
    ),
    (
        DomainBlocklisted,
        "mailfrom domain is listed|blacklisted url|url .. listed in|domain .. listed in|\
         domain .. blocklist|domain .. black list|surbl|uribl",
    ),
    (
        NoReverseDns,
        "reverse dns|rdns|ptr record|reverse lookup|reverse hostname|cannot find your hostname|\
         ip name lookup failed|unverifyable sending ip|unverifiable sending ip|no ptr|hostname lookup",
    ),
    (
        IpBlocklisted,
        "blacklist|black list|blocklist|block list|blocked using|listed in|listed at|listed by|\
         listed on|is listed|dnsbl|rbl|(bl)|spamhaus|spamcop|banned sending ip|ip address .. banned|\
         liste noire|lista negra|schwarze liste",
    ),
    (
        PeerRateLimit,
        "rate limit|ratelimit|rate-limit|throttl|too many messages|too many connections|\
         too many concurrent|too many emails|too many mails|too many sessions|too much mail from|\
         too fast|slow down|unexpected volume|unusual rate|frequency limited|excessive rate|\
         exceeded .. rate|exceeds .. rate|connection limit|limit on the number of|trop de connexions|\
         trop de messages|zu viele verbindungen|zu viele nachrichten|demasiados mensajes|\
         demasiadas conexiones|troppe connessioni|te veel verbindingen|limite de envios|接続数|送信数|\
         頻度|频率|頻率",
    ),
    (
        IpReputation,
        "reputation|blocked for abuse|bad ip|client host rejected|not allowed to connect|\
         host network not allowed|your ip .. blocked|ip .. has been blocked|ip .. is blocked|\
         messages from .. weren't sent|poor reputation|blocked ip|\
         réputation",
    ),
    (
        MailboxFull,
        "mailbox .. full|box is full|mailbox .. over quota|user .. over quota|out of quota|\
         over the quota|disk quota|quota|too much mail data|storage limit|has exceeded .. storage|\
         insufficient space in mailbox|boîte .. pleine|boite .. pleine|postfach .. voll|\
         mailbox .. voll|buzón .. lleno|buzon .. lleno|casella .. piena|caixa .. cheia|postbus .. vol|\
         ящик .. переполнен|メールボックス .. 容量|容量を超え|邮箱已满|郵件信箱已滿|信箱已滿|\
         사서함이 가득|용량 초과",
    ),
    (
        ContentRejected,
        "spam|unsolicited|bulk mail|junk|ube|uce|content rejected|illegal attachment|attachment|\
         potentially harmful|its content presents|message content|likely suspicious|pourriel|\
         correo no deseado|迷惑メール|垃圾邮件|垃圾郵件|스팸|спам",
    ),
    (MailLoop, "routing loop|mail loop|loops back|hop count|too many hops"),
    (
        TooBig,
        "message size|message too large|too large|size limit|too big|size exceeds|\
         message length exceeds|zu groß|trop volumineux|demasiado grande",
    ),
    (TooManyRecipients, "too many recipients"),
    (
        EncryptionRequired,
        "must issue a starttls|encryption required|requires encryption|tls required|requires tls|\
         starttls required",
    ),
    (
        LoginRequired,
        "smtp authentication|unauthenticated senders|authentication required|please authenticate|\
         requires authentication|please use the smtp server of your isp|must log in|not logged in",
    ),
    (
        RelayDenied,
        "relay access denied|relaying denied|relay denied|unable to relay|not permitted to relay|\
         relaying not allowed|not configured to relay|relay not permitted|insecure mail relay|\
         we do not relay|relay|redirecionamento negado",
    ),
    (
        SenderDomainUnresolvable,
        "domain of sender address|sender domain .. not|sender's domain|unresolvable sender|\
         domain name not found for sender|sender address .. domain not found",
    ),
    (
        SenderRejected,
        "sender address rejected|sender rejected|sender denied|mail from .. rejected|\
         mail from .. denied|sender not allowed|email address is not verified|not allowed to send|\
         sender is not|refused due to recipient preferences|senders not allowed|badmailfrom|\
         sender verify failed|expéditeur refus",
    ),
    (
        RecipientDisabled,
        "temporary locked|account .. disabled|account .. suspended|account .. inactive|\
         account .. blocked|mailbox .. disabled|mailbox .. inactive|mailbox is frozen|\
         mailbox .. frozen|user .. suspended|disabled recipient|recipient .. suspended|\
         recipient .. disabled|recipient .. on hold|mailbox .. on hold|account .. on hold|account .. locked|compte .. bloqu|konto .. gesperrt|cuenta .. suspendida",
    ),
    (
        UnknownDomain,
        "host unknown|unknown host|no such domain|unknown domain|bad destination system|invalid domain|\
         domain does not exist|domain not found|host or domain name not found|domain .. not hosted",
    ),
    (
        UnknownRecipient,
        "user unknown|unknown user|unknown recipient|recipient unknown|no such user|no such mailbox|\
         no such recipient|no such person|no such address|no mailbox|mailbox unavailable|\
         mailbox not found|mailbox does not exist|mailbox unknown|unknown mailbox|invalid recipient|\
         invalid mailbox|invalid address|recipient not found|recipnotfound|recipientnotfound|\
         user not found|not found by smtp address|does not exist|doesn't exist|doesn't have .. account|\
         not our user|not our customer|not a registered|no longer on server|recipient no longer|\
         no longer available|unknown address|address rejected: access denied|address unknown|\
         unknown or illegal|not a valid|unrouteable address|unroutable address|utilisateur inconnu|\
         destinataire inconnu|destinataire invalide|adresse .. invalide|unbekannter empfänger|\
         empfänger unbekannt|empfaenger unbekannt|benutzer unbekannt|adresse existiert nicht|\
         usuario desconocido|destinatario desconocido|no existe|utente sconosciuto|casella inesistente|\
         destinatario sconosciuto|usuário desconhecido|usuario inexistente|não existe|\
         onbekende gebruiker|gebruiker onbekend|bestaat niet|пользователь не найден|\
         нет такого пользователя|ユーザーが見つかりません|宛先不明|存在しません|用户不存在|\
         收件人不存在|使用者不存在|사용자가 없습니다|존재하지 않",
    ),
    (
        PeerOutOfSpace,
        "insufficient system storage|insufficient system resources|no space left|insufficient disk|\
         system storage|disk full",
    ),
    (
        PeerBusy,
        "too busy|server busy|currently busy|try again later|try later|please try later|\
         service not available|service unavailable|temporarily unavailable|currently unavailable|\
         server is overloaded|load too high|resources temporarily|veuillez essayer plus tard|\
         bitte später|intente más tarde",
    ),
    (
        NoMailHere,
        "does not accept mail|not accepting network messages|null mx|doesn't receive email|\
         accepts no mail",
    ),
    (
        PeerFault,
        "internal error|system error|config error|internal system error|local error|server error|\
         temporary failure|mailer error|configuration error|upstream error|local problem|disk i/o|\
         message expired",
    ),
    (
        CommandRefused,
        "not implemented|protocol violation|command unrecognized|unrecognized command|syntax error|\
         bad sequence",
    ),
    (
        Policy,
        "policy|access denied|not authorized|delivery not authorized|security policies|\
         administrative prohibition|security|prohibited|on hold",
    ),
    (UnknownRecipient, "address rejected"),
    (
        Policy,
        "denied|not accepted|not allowed|rejected by|service refuse|mail refuse|rejected|rejeté|rejete|\
         abgelehnt|rechazado|rifiutato",
    ),
];

/// Returns the class of words that mean one thing whatever stands before them.
pub(super) fn beyond_doubt(spoken: &Spoken) -> Option<ReplyClass> {
    first_fit(BEYOND_DOUBT, spoken)
}

/// Returns the class of the words.
pub(super) fn of(spoken: &Spoken) -> Option<ReplyClass> {
    first_fit(PATTERNS, spoken)
}

fn first_fit(patterns: Patterns, spoken: &Spoken) -> Option<ReplyClass> {
    let found = patterns.iter().find(|(_, texts)| texts.split('|').any(|text| fits(text, &spoken.plain)));
    found.map(|(class, _)| *class)
}

fn fits(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    pattern.split(" .. ").enumerate().all(|(index, piece)| {
        let found = if index == 0 { find_word(rest, piece) } else { rest.find(piece) };
        found.inspect(|at| rest = &rest[at + piece.len()..]).is_some()
    })
}

/// Finds a piece where a word begins. Short pieces are whole words: `rbl` is not in `garbled`, nor `ube` in `tube`.
fn find_word(text: &str, piece: &str) -> Option<usize> {
    let letter = |found: Option<char>| found.is_some_and(|letter| letter.is_ascii_alphanumeric());
    text.match_indices(piece).map(|(at, _)| at).find(|at| {
        let starts = !piece.starts_with(|first: char| first.is_ascii_alphanumeric())
            || !letter(text[..*at].chars().next_back());
        let ends = piece.len() > 3 || !letter(text[at + piece.len()..].chars().next());
        starts && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stand_in_order_and_short_ones_alone() {
        assert!(fits("client host .. blocked", "the client host is blocked"));
        assert!(!fits("client host .. blocked", "blocked is the client host"));
        assert!(!fits("rbl", "garbled") && !fits("ube", "cubes") && fits("rbl", "by rbl: no"));
        assert!(!fits("ube", "tube") && fits("spam", "(spam)") && !fits("spam", "nospam"));
    }

    #[test]
    fn patterns_are_as_texts_are_compared() {
        for (_, texts) in BEYOND_DOUBT.iter().chain(PATTERNS) {
            for text in texts.split('|') {
                assert_eq!(text.to_lowercase(), *text);
                assert!(!text.contains('@') && text.len() > 2, "{text}");
            }
        }
    }
}
