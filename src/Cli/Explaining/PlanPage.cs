using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Cli.Explaining;

/// <summary>A line of what is known of a job.</summary>
internal sealed record Fact(string Name, string Text);

/// <summary>
/// A job's plan as one page that needs nothing else, no network either: the graph after fusion, the arena over time, what is kept,
/// shared and computed again, and where the work lies. The page draws what is in the data that is laid into it.
/// </summary>
internal static class PlanPage
{
    private const string Evaluation = "evaluate/";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static void Write(string job, IReadOnlyList<Fact> facts, IReadOnlyList<(string Devices, TrainingPlan Plan)> plans, TextWriter output)
    {
        var data = new { Job = job, Facts = facts, Plans = plans.Select(p => Describe(p.Devices, p.Plan)) };
        string page = Resource("page.html");
        foreach (var (mark, content) in (ReadOnlySpan<(string, string)>)
        [
            ("/*style*/", Resource("page.css")), ("/*script*/", Resource("page.js")),
            // The serialiser writes angle brackets as escapes: nothing in the data can end the element it stands in.
            ("/*data*/", JsonSerializer.Serialize(data, Json)),
            ("<!--title-->", System.Net.WebUtility.HtmlEncode(job)),
        ])
        {
            page = page.Replace(mark, content);
        }

        output.Write(page);
    }

    private static object Describe(string devices, TrainingPlan training)
    {
        var plan = training.Plan;
        var parameters = training.Variables.Where(v => v.Kind == VariableKind.Parameter).ToArray();
        var owned = parameters.GroupBy(v => OperationFacts.OwnerOf(v.Name)).ToDictionary(g => g.Key, g => g.Sum(v => v.Type.Shape.Count));
        var views = Views(training).Select(v => new
        {
            v.View.Title, v.View.Operations, v.View.Blocks, v.Samples, v.Recomputed, Layers = LayerRow.Of(v.View, owned),
        });
        return new
        {
            Devices = devices, plan.ArenaBytes, plan.LiveBytes, Parameters = parameters.Sum(v => v.Type.Shape.Count), Views = views,
        };
    }

    private static IEnumerable<(PlanView View, int Samples, Recomputed? Recomputed)> Views(TrainingPlan training)
    {
        var plan = training.Plan;
        for (int i = 0; i < training.Layouts.Length; i++)
        {
            int samples = training.Layouts[i].LocalSamples;
            string name = i == 0 ? $"a step: {samples} samples here" : $"the short step: {samples} samples here";
            var gradients = plan[$"gradients/{i}"];
            yield return (PlanView.Of(name, plan, [gradients, plan[$"exchange/{i}"], plan["update"]]), samples, gradients.Recomputed);
        }

        foreach (var section in plan.Sections.Where(s => s.Name.StartsWith(Evaluation, StringComparison.Ordinal)))
        {
            int samples = int.Parse(section.Name[Evaluation.Length..], CultureInfo.InvariantCulture);
            yield return (PlanView.Of($"a test: {samples} samples", plan, [section]), samples, section.Recomputed);
        }

        yield return (PlanView.Of("first values", plan, [plan["initialise"]]), 0, null);
    }

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the program was built without {name}");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
