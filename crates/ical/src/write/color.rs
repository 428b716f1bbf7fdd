//! COLOR is a CSS colour by name (RFC 7986 5.9); calendars have `#rrggbb`.

/// A good part of the names of CSS, spread over all colours.
const NAMES: [(&str, u32); 60] = [
    ("aqua", 0x00_ffff),
    ("aquamarine", 0x7f_ffd4),
    ("beige", 0xf5_f5dc),
    ("black", 0x00_0000),
    ("blue", 0x00_00ff),
    ("blueviolet", 0x8a_2be2),
    ("brown", 0xa5_2a2a),
    ("cadetblue", 0x5f_9ea0),
    ("chartreuse", 0x7f_ff00),
    ("chocolate", 0xd2_691e),
    ("coral", 0xff_7f50),
    ("cornflowerblue", 0x64_95ed),
    ("crimson", 0xdc_143c),
    ("darkblue", 0x00_008b),
    ("darkcyan", 0x00_8b8b),
    ("darkgreen", 0x00_6400),
    ("darkmagenta", 0x8b_008b),
    ("darkorange", 0xff_8c00),
    ("darkred", 0x8b_0000),
    ("darkviolet", 0x94_00d3),
    ("deeppink", 0xff_1493),
    ("deepskyblue", 0x00_bfff),
    ("dimgray", 0x69_6969),
    ("dodgerblue", 0x1e_90ff),
    ("firebrick", 0xb2_2222),
    ("forestgreen", 0x22_8b22),
    ("fuchsia", 0xff_00ff),
    ("gold", 0xff_d700),
    ("goldenrod", 0xda_a520),
    ("gray", 0x80_8080),
    ("green", 0x00_8000),
    ("hotpink", 0xff_69b4),
    ("indigo", 0x4b_0082),
    ("khaki", 0xf0_e68c),
    ("lavender", 0xe6_e6fa),
    ("lightblue", 0xad_d8e6),
    ("lightgreen", 0x90_ee90),
    ("lime", 0x00_ff00),
    ("limegreen", 0x32_cd32),
    ("maroon", 0x80_0000),
    ("mediumseagreen", 0x3c_b371),
    ("midnightblue", 0x19_1970),
    ("navy", 0x00_0080),
    ("olive", 0x80_8000),
    ("orange", 0xff_a500),
    ("orangered", 0xff_4500),
    ("orchid", 0xda_70d6),
    ("pink", 0xff_c0cb),
    ("plum", 0xdd_a0dd),
    ("purple", 0x80_0080),
    ("red", 0xff_0000),
    ("royalblue", 0x41_69e1),
    ("salmon", 0xfa_8072),
    ("seagreen", 0x2e_8b57),
    ("silver", 0xc0_c0c0),
    ("skyblue", 0x87_ceeb),
    ("steelblue", 0x46_82b4),
    ("teal", 0x00_8080),
    ("white", 0xff_ffff),
    ("yellow", 0xff_ff00),
];

/// The name nearest to `#rrggbb`.
pub(super) fn nearest(color: &str) -> Option<&'static str> {
    let wanted = u32::from_str_radix(color.strip_prefix('#').filter(|hex| hex.len() == 6)?, 16).ok()?;
    let distance = |(_, named): &(&str, u32)| {
        [16, 8, 0].iter().map(|shift| ((wanted >> shift) & 255).abs_diff((named >> shift) & 255).pow(2)).sum::<u32>()
    };
    NAMES.iter().min_by_key(|named| distance(named)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_color_has_the_name_next_to_it() {
        assert_eq!(nearest("#ff0000"), Some("red"));
        assert_eq!(nearest("#fe0403"), Some("red"));
        assert_eq!(nearest("#4169E0"), Some("royalblue"));
        assert_eq!(nearest("red"), None);
    }
}
