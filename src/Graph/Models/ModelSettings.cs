using System.Collections.Immutable;
using System.Globalization;

namespace Singa.Actors.Graph.Models;

/// <summary>What a job says of a model beyond its name: keys and their values, as they were written. A model reads them with a default each.</summary>
public sealed class ModelSettings(IEnumerable<KeyValuePair<string, string>> values)
{
    public static readonly ModelSettings None = new([]);

    /// <summary>Modules are made one by one before anybody asks how much memory they would take.</summary>
    internal const int LayersMax = 1000;

    private readonly ImmutableSortedDictionary<string, string> values = values.ToImmutableSortedDictionary(StringComparer.Ordinal);

    public IEnumerable<string> Keys => values.Keys;

    /// <summary>Within [low, high).</summary>
    /// <exception cref="GraphException">It is something else; <see cref="GraphException.Setting"/> is the key.</exception>
    public double Number(string key, double otherwise, double low = double.NegativeInfinity, double high = double.PositiveInfinity) =>
        !values.TryGetValue(key, out var text) ? otherwise
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= low && value < high ? value
        : throw Wrong(key, (double.IsNegativeInfinity(low), double.IsPositiveInfinity(high)) switch
        {
            (true, true) => "a number",
            (true, false) => FormattableString.Invariant($"a number below {high}"),
            (false, true) => FormattableString.Invariant($"a number of at least {low}"),
            _ => FormattableString.Invariant($"a number from {low} to below {high}"),
        });

    /// <summary>Within low … high.</summary>
    /// <exception cref="GraphException"/>
    public int Whole(string key, int otherwise, int low = 1, int high = int.MaxValue) =>
        !values.TryGetValue(key, out var text) ? otherwise
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= low && value <= high ? value
        : throw Wrong(key, high == int.MaxValue ? $"a whole number of at least {low}" : $"a whole number within {low} … {high}");

    /// <summary>on or off.</summary>
    /// <exception cref="GraphException"/>
    public bool Flag(string key, bool otherwise) => values.GetValueOrDefault(key) switch
    {
        null => otherwise,
        "on" or "true" or "yes" => true,
        "off" or "false" or "no" => false,
        _ => throw Wrong(key, "on or off"),
    };

    /// <exception cref="GraphException"/>
    public string OneOf(string key, string otherwise, params ReadOnlySpan<string> names) =>
        !values.TryGetValue(key, out var text) ? otherwise : names.Contains(text) ? text : throw Wrong(key, string.Join(" | ", names!));

    private GraphException Wrong(string key, string expected) => new($"must be {expected}, not '{values[key]}'") { Setting = key };
}
