using System.Globalization;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Onnx.Schema;

namespace Singa.Actors.Graph.Onnx.Export;

/// <summary>What models of ours say of themselves in their metadata.</summary>
internal static class ModelKeys
{
    /// <summary>Names of parameters and of running statistics in the model's order, a line each.</summary>
    public const string Parameters = "singa.parameters", Statistics = "singa.statistics";

    /// <summary>The model in words.</summary>
    public const string Description = "singa.description";

    /// <summary>As a record says itself, with numbers alike everywhere.</summary>
    public static string Describe(Module module)
    {
        // Records write their numbers as the thread's culture has it.
        var culture = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            return module.ToString();
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    public static void Set(this ModelProto model, string key, string value) => model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });

    public static string? Get(this ModelProto model, string key) => model.MetadataProps.FirstOrDefault(p => p.Key == key)?.Value;

    public static void SetList(this ModelProto model, string key, IEnumerable<string> names) => model.Set(key, string.Join('\n', names));

    /// <summary>Null: the model says nothing of it.</summary>
    public static string[]? GetList(this ModelProto model, string key) => model.Get(key) is { } text ? text.Length == 0 ? [] : text.Split('\n') : null;
}
