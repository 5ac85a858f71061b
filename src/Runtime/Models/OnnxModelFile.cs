using Singa.Actors.Graph;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Schema;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Models;

/// <summary>A trained model as an ONNX file that answers: batch norms by their running statistics, no dropout, any number of samples.</summary>
internal static class OnnxModelFile
{
    /// <exception cref="ModelFileException">The model has something that ONNX cannot say.</exception>
    public static byte[] Write(TrainedModel model, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        try
        {
            var written = ModelWriter.Trained(model.Job.Model, model.Data.Sample, JobSizes.Of(model.Job, model.Data).Traced,
                name => (model.Parameters.GetValueOrDefault(name) ?? model.Statistics[name]).Data);
            written.MetadataProps.AddRange(metadata.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => new StringStringEntryProto { Key = m.Key, Value = m.Value }));
            return OnnxFile.Write(written);
        }
        catch (GraphException e)
        {
            throw new ModelFileException($"the model cannot be saved as ONNX: {e.Message}", e);
        }
    }
}
