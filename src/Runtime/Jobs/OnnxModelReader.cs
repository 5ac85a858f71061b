using Singa.Actors.Graph;
using Singa.Actors.Graph.Losses;
using Singa.Actors.Graph.Modules;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Runtime.Data;
using Singa.Actors.Runtime.Models;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>A model that a job does not name but bring: an ONNX file, whose values are where training begins.</summary>
internal sealed record OnnxModelReader(Setting Setting, string Path, OnnxModule Module)
{
    /// <summary>What <c>job.model</c> says, where that is a file: <c>x.onnx</c>, or <c>{ path = x.onnx, output = … }</c>. Null: it is a name.</summary>
    /// <param name="folder">Where relative paths begin.</param>
    /// <exception cref="JobRefusedException">The file cannot be read, or is no model to train: one sentence with all that is missing.</exception>
    public static OnnxModelReader? Find(Setting model, string folder)
    {
        if (model.IsObject ? model.Find("path") is null : !ModelFile.IsOnnx(model.Text))
            return null;
        if (model.IsObject)
            model.Only("path", "output");
        var setting = model.IsObject ? model["path"] : model;
        string path = System.IO.Path.GetFullPath(setting.Text, folder);
        if (!File.Exists(path) && File.Exists(setting.Text))
            path = System.IO.Path.GetFullPath(setting.Text);
        try
        {
            var read = OnnxModel.Read(File.ReadAllBytes(path), new ExternalFolder(System.IO.Path.GetDirectoryName(path)!), model.IsObject ? model.Find("output")?.Text : null);
            if (read.Parameters.Count == 0)
                throw setting.Refused($"is {path}, which has no parameters of type float32: there is nothing to train");
            return new OnnxModelReader(setting, path, new OnnxModule(read));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw setting.Refused(File.Exists(path) ? $"is {path}, which cannot be read: {e.Message}" : $"is {path}, where no file is; correct the path");
        }
        catch (Exception e) when (e is OnnxException or OnnxUnsupportedException)
        {
            throw setting.Refused($"is {path}, which cannot be trained: {e.Message}");
        }
    }

    /// <summary>
    /// The job with what its loss has in itself taken off the model's end, and looked at for whether model and data fit: a loss that takes
    /// logits would otherwise see probabilities.
    /// </summary>
    /// <param name="notes">What whoever wrote the job may want to know.</param>
    /// <exception cref="JobRefusedException"/>
    public TrainingJob Adapted(TrainingJob job, List<string> notes)
    {
        var module = Module;
        if (module.Model.Last is { } last && IsWithin(last.Operator, job.Loss))
        {
            notes.Add($"{Path} ends in {last.Operator}, which {LossCatalog.NameOf(job.Loss)} has in itself: what comes before it is trained");
            module = new OnnxModule(module.Model.EndingWith(last.Reads));
        }

        var data = DataLoader.Describe(job.Data);
        TensorType answer;
        try
        {
            answer = module.AnswerTo(data.Sample);
        }
        catch (GraphException e)
        {
            string hint = module.Model.FixedSamples > 0 ? $"; it is made for {module.Model.FixedSamples} at a time, so export it with a dynamic batch dimension" : "";
            throw Setting.Refused($"is {Path}, which does not fit the data: {(e.InnerException ?? e).Message}{hint}");
        }

        if (data.Classes > 0 && !job.Loss.ReconstructsInput && answer.Shape.Rank > 0 && answer.Shape[^1] != data.Outputs)
            throw Setting.Refused($"is {Path}, whose '{module.Model.Output}' has {answer.Shape[^1]} values an answer, and the data has {data.Classes} classes");
        return job with { Model = module };
    }

    private static bool IsWithin(string activation, Loss loss) => (activation, loss) switch
    {
        ("Softmax" or "LogSoftmax", SoftmaxCrossEntropy or KullbackLeibler) => true,
        ("Sigmoid", BinaryCrossEntropy) => true,
        _ => false,
    };
}
