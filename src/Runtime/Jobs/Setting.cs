using System.Globalization;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>
/// One place of a configuration, read strictly: a value or named places below it, its full path, and where it was written, so
/// that whatever is wrong with it can be said. Later layers are laid over earlier ones with <see cref="Over"/>.
/// </summary>
internal sealed class Setting
{
    private readonly string? text;
    private readonly SortedDictionary<string, Setting>? items;
    private readonly string[]? elements;

    private Setting(string path, string? origin, string? text, SortedDictionary<string, Setting>? items, string[]? elements = null) =>
        (Path, Origin, this.text, this.items, this.elements) = (path, origin, text, items, elements);

    public string Path { get; }

    /// <summary>The last part of <see cref="Path"/>.</summary>
    public string Key => Path[(Path.LastIndexOf('.') + 1)..];

    /// <summary>The file or option it was written in; null for a default.</summary>
    public string? Origin { get; }

    public bool IsObject => items is not null;

    private bool IsWritten => Origin is not null;

    /// <summary>What a list holds; a single value is a list of one.</summary>
    public IEnumerable<string> Elements => elements ?? [Text];

    /// <summary>A list's elements, a single value's text, nothing of an object; nothing is refused.</summary>
    public IEnumerable<string> Written() => elements ?? (text is null ? [] : [text]);

    public IEnumerable<Setting> Items => items?.Values ?? Enumerable.Empty<Setting>();

    public static Setting Value(string path, string? origin, string? text) => new(path, origin, text, null);

    public static Setting List(string path, string? origin, IEnumerable<string> elements) => new(path, origin, null, null, [.. elements]);

    public static Setting Object(string path, string? origin, IEnumerable<KeyValuePair<string, Setting>> items) =>
        new(path, origin, null, new SortedDictionary<string, Setting>(items.ToDictionary(), StringComparer.Ordinal));

    public Setting? Find(string key) => items is not null && items.TryGetValue(key, out var found) ? found : null;

    /// <summary>As <see cref="Find"/>, but not a default: defaults of one kind say nothing to another.</summary>
    public Setting? Written(string key) => Find(key) is { IsWritten: true } found ? found : null;

    /// <exception cref="JobRefusedException">It is not there.</exception>
    public Setting this[string key] => !IsObject ? throw Wrong($"an object {{ {key} = … }}")
        : Find(key) ?? throw new JobRefusedException($"{Under(key)} is missing{In}; add it");

    /// <summary>This place with what <paramref name="below"/> says where this one says nothing.</summary>
    public Setting Over(Setting? below)
    {
        if (below?.items is null || items is null)
            return this;
        var merged = new SortedDictionary<string, Setting>(below.items, StringComparer.Ordinal);
        foreach (var (key, item) in items)
            merged[key] = item.Over(below.Find(key));
        return new Setting(Path, Origin, null, merged);
    }

    /// <summary>Refuses everything written here that is not one of the keys. Defaults are not asked: they serve several kinds.</summary>
    /// <exception cref="JobRefusedException"/>
    public void Only(params string[] keys)
    {
        if (!IsObject)
            throw Wrong($"an object with {string.Join(", ", keys)}");
        foreach (var (key, item) in items!)
        {
            if (item.Origin is not null && !keys.Contains(key))
                throw item.Refused($"is unknown; did you mean {Under(NearestName.To(key, keys)!)}?");
        }
    }

    public string Text => this switch
    {
        { IsObject: true } => throw Refused("must be a single value, not an object"),
        { elements: not null } => throw Refused("must be a single value, not a list"),
        { text: null or "" } => throw Refused("has no value; write one or leave the key out"),
        _ => text,
    };

    /// <summary>As HOCON again: one line for each value.</summary>
    public IEnumerable<string> Lines => this switch
    {
        { IsObject: true } => Items.SelectMany(item => item.Lines),
        { elements: not null } => [$"{Path} = [{string.Join(", ", elements.Select(Quoted))}]\n"],
        _ => [$"{Path} = {Quoted(text ?? "")}\n"],
    };

    public string OneOf(IEnumerable<string> names)
    {
        var known = names.ToArray();
        return known.Contains(Text) ? Text : throw Refused(
            $"is '{Text}', which is unknown; did you mean {NearestName.To(Text, known)}? It can be {string.Join(" | ", known)}");
    }

    public long Whole(long low, long high) =>
        long.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= low && value <= high
            ? value
            : throw Wrong(high == long.MaxValue ? $"a whole number of at least {low}" : $"a whole number within {low} … {high}");

    public ulong Unsigned() =>
        ulong.TryParse(Text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : throw Wrong("a whole number of at least 0");

    /// <summary>Within [low, high).</summary>
    public double Number(double low, double high) =>
        double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= low && value < high
            ? value
            : throw Wrong(double.IsPositiveInfinity(high) ? $"a number of at least {low}" : $"a number from {low} to below {high}");

    /// <summary>A size as HOCON writes it: a number, then B, KiB (K, k), MiB (M, m), GiB (G, g), TiB (T, t) or the decimal kB, MB, GB, TB; bytes without one.</summary>
    public long Bytes()
    {
        string text = Text.Trim(), number = text.TrimEnd([.. "BbiKkMmGgTt", ' ']), unit = text[number.Length..].Trim();
        double factor = unit switch
        {
            "" or "B" or "b" => 1,
            "K" or "k" or "Ki" or "KiB" => 1L << 10,
            "M" or "m" or "Mi" or "MiB" => 1L << 20,
            "G" or "g" or "Gi" or "GiB" => 1L << 30,
            "T" or "t" or "Ti" or "TiB" => 1L << 40,
            "kB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            "TB" => 1e12,
            _ => double.NaN,
        };
        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value * factor is >= 1 and < 1e18
            ? (long)(value * factor) : throw Wrong("a size of more than nothing, as in 512 MiB");
    }

    public bool Flag() => Text switch
    {
        "on" or "true" or "yes" => true,
        "off" or "false" or "no" => false,
        _ => throw Wrong("on or off"),
    };

    public JobRefusedException Refused(string what) => new($"{Path}{In} {what}");

    private JobRefusedException Wrong(string expected) => Refused($"must be {expected}, not {(IsObject ? "an object" : $"'{Text}'")}");

    private static string Quoted(string value) => $"\"{value.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";

    private string In => Origin is null ? "" : $" in {Origin}";

    private string Under(string key) => Path.Length == 0 ? key : $"{Path}.{key}";
}
