using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Models;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Runtime.Data.Text;

namespace Singa.Actors.Runtime.Models;

/// <summary>A trained model as a file: parameters and running statistics, and in the metadata what a reader needs to use them.</summary>
public static class ModelFile
{
    public const string ModelKey = "model", SampleKey = "sample", ClassesKey = "classes", MeanKey = "normalisation.mean",
        DeviationKey = "normalisation.standard-deviation", StatisticsKey = "statistics", TokensKey = "tokens",
        VocabularyKey = "vocabulary", ClassNamesKey = "class-names",
        ColumnsKey = "columns";

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// As ONNX where the path ends so, else as safetensors. Equal weights are equal files: nothing of dates, machines or the way they came about
    /// goes in.
    /// </summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="ModelFileException">The model has something that ONNX cannot say.</exception>
    public static void Save(string path, TrainedModel model)
    {
        if (IsOnnx(path))
            File.WriteAllBytes(path, OnnxModelFile.Write(model, Metadata(model)));
        else
            SafeTensors.Save(path, model.Parameters.Values.Concat(model.Statistics.Values), Metadata(model));
    }

    public static bool IsOnnx(string path) => Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase);

    private static Dictionary<string, string> Metadata(TrainedModel model)
    {
        var data = model.Data;
        var metadata = new Dictionary<string, string>
        {
            [SampleKey] = data.Sample.ToString(),
            [ClassesKey] = data.Classes.ToString(CultureInfo.InvariantCulture),
        };
        // Equal modules are equal models: one that the catalog would build has a name there, others have none.
        if ((model.Job.Model is OnnxModule read ? read.Model.Property(ModelKey) : ModelCatalog.Names.FirstOrDefault(n => Builds(n, model))) is { } name)
            metadata[ModelKey] = name;
        if (model.Normalisation is { } normalisation)
        {
            metadata[MeanKey] = Figures(normalisation.Means);
            metadata[DeviationKey] = Figures(normalisation.StandardDeviations);
        }

        if (data.Vocabulary is { } vocabulary)
        {
            metadata[TokensKey] = vocabulary.Tokens.ToString().ToLowerInvariant();
            if (vocabulary.Tokens == TextTokens.Characters)
                metadata[VocabularyKey] = vocabulary.Characters;
        }

        if (data.ClassNames.Count > 0)
            metadata[ClassNamesKey] = JsonSerializer.Serialize(data.ClassNames.Items, Readable);
        if (data.Columns.Count > 0)
            metadata[ColumnsKey] = JsonSerializer.Serialize(data.Columns.Select(c => new { name = c.Name, categories = c.Categories.Items }), Readable);
        if (model.Statistics.Count > 0)
            metadata[StatisticsKey] = string.Join(",", model.Statistics.Keys);
        return metadata;
    }

    private static bool Builds(string name, TrainedModel model)
    {
        try
        {
            return ModelCatalog.Create(name, model.Data.Sample.Shape, model.Data.Outputs).Equals(model.Job.Model);
        }
        catch (GraphException)
        {
            // A model for other samples is not this one.
            return false;
        }
    }

    /// <summary>One figure a channel, with commas between.</summary>
    private static string Figures(IEnumerable<double> values) => string.Join(",", values.Select(v => v.ToString("R", CultureInfo.InvariantCulture)));
}
