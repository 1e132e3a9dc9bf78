//! Parses the tools of a request, and schemas.

use googleapis_tonic_google_cloud_aiplatform_v1::google::{
    cloud::aiplatform::v1::{
        DynamicRetrievalConfig, EnterpriseWebSearch, FunctionCallingConfig, FunctionDeclaration,
        GoogleMaps, GoogleSearchRetrieval, RagRetrievalConfig, Retrieval, RetrievalConfig, Schema,
        Tool, ToolConfig, Type, UrlContext, VertexAiSearch, VertexRagStore,
        dynamic_retrieval_config, function_calling_config,
        rag_retrieval_config::{Filter, Ranking, filter::VectorDbThreshold, ranking},
        retrieval,
        tool::{
            CodeExecution, ComputerUse, GoogleSearch, PhishBlockThreshold,
            computer_use::Environment,
        },
        vertex_ai_search::DataStoreSpec,
        vertex_rag_store::RagResource,
    },
    r#type::LatLng,
};

use super::{
    object::{Object, ParseResult},
    structs,
};

pub(super) fn tool(o: &mut Object) -> ParseResult<Tool> {
    Ok(Tool {
        function_declarations: o.list("functionDeclarations", function)?,
        retrieval: o.message("retrieval", user_data)?,
        google_search: o.message("googleSearch", search)?,
        google_search_retrieval: o.message("googleSearchRetrieval", search_retrieval)?,
        google_maps: o.message("googleMaps", |o| {
            let enable_widget = o.or_zero("enableWidget")?;
            Ok(GoogleMaps { enable_widget })
        })?,
        enterprise_web_search: o.message("enterpriseWebSearch", enterprise_search)?,
        code_execution: o.message("codeExecution", |_| Ok(CodeExecution {}))?,
        url_context: o.message("urlContext", |_| Ok(UrlContext {}))?,
        computer_use: o.message("computerUse", computer_use)?,
    })
}

fn function(o: &mut Object) -> ParseResult<FunctionDeclaration> {
    Ok(FunctionDeclaration {
        name: o.or_zero("name")?,
        description: o.or_zero("description")?,
        parameters: o.message("parameters", schema)?,
        parameters_json_schema: o.take("parametersJsonSchema").map(structs::value),
        response: o.message("response", schema)?,
        response_json_schema: o.take("responseJsonSchema").map(structs::value),
    })
}

fn search(o: &mut Object) -> ParseResult<GoogleSearch> {
    Ok(GoogleSearch {
        exclude_domains: o.or_zero("excludeDomains")?,
        blocking_confidence: o.word("blockingConfidence", PhishBlockThreshold::from_str_name)?,
    })
}

fn enterprise_search(o: &mut Object) -> ParseResult<EnterpriseWebSearch> {
    Ok(EnterpriseWebSearch {
        exclude_domains: o.or_zero("excludeDomains")?,
        blocking_confidence: o.word("blockingConfidence", PhishBlockThreshold::from_str_name)?,
    })
}

fn search_retrieval(o: &mut Object) -> ParseResult<GoogleSearchRetrieval> {
    let dynamic = o.message("dynamicRetrievalConfig", |o| {
        let mode = o.word("mode", dynamic_retrieval_config::Mode::from_str_name)?;
        Ok(DynamicRetrievalConfig {
            mode: mode.unwrap_or_default(),
            dynamic_threshold: o.get("dynamicThreshold")?,
        })
    })?;
    Ok(GoogleSearchRetrieval {
        dynamic_retrieval_config: dynamic,
    })
}

/// A search in the user's data.
fn user_data(o: &mut Object) -> ParseResult<Retrieval> {
    use retrieval::Source as S;
    let source = match o.one_of(&["vertexAiSearch", "vertexRagStore"])? {
        Some("vertexAiSearch") => o
            .message("vertexAiSearch", data_stores)?
            .map(S::VertexAiSearch),
        _ => o
            .message("vertexRagStore", rag_store)?
            .map(S::VertexRagStore),
    };
    Ok(Retrieval {
        source,
        ..Retrieval::default()
    })
}

fn data_stores(o: &mut Object) -> ParseResult<VertexAiSearch> {
    Ok(VertexAiSearch {
        datastore: o.or_zero("datastore")?,
        engine: o.or_zero("engine")?,
        max_results: o.or_zero("maxResults")?,
        filter: o.or_zero("filter")?,
        data_store_specs: o.list("dataStoreSpecs", |o| {
            Ok(DataStoreSpec {
                data_store: o.or_zero("dataStore")?,
                filter: o.or_zero("filter")?,
            })
        })?,
    })
}

fn rag_store(o: &mut Object) -> ParseResult<VertexRagStore> {
    Ok(VertexRagStore {
        rag_resources: o.list("ragResources", |o| {
            Ok(RagResource {
                rag_corpus: o.or_zero("ragCorpus")?,
                rag_file_ids: o.or_zero("ragFileIds")?,
            })
        })?,
        rag_retrieval_config: o.message("ragRetrievalConfig", |o| {
            Ok(RagRetrievalConfig {
                top_k: o.or_zero("topK")?,
                filter: o.message("filter", rag_filter)?,
                ranking: o.message("ranking", rag_ranking)?,
            })
        })?,
        ..VertexRagStore::default()
    })
}

fn rag_filter(o: &mut Object) -> ParseResult<Filter> {
    let names = ["vectorDistanceThreshold", "vectorSimilarityThreshold"];
    let threshold = match o.one_of(&names)? {
        Some("vectorDistanceThreshold") => o
            .get(names[0])?
            .map(VectorDbThreshold::VectorDistanceThreshold),
        _ => o
            .get(names[1])?
            .map(VectorDbThreshold::VectorSimilarityThreshold),
    };
    Ok(Filter {
        metadata_filter: o.or_zero("metadataFilter")?,
        vector_db_threshold: threshold,
    })
}

fn rag_ranking(o: &mut Object) -> ParseResult<Ranking> {
    use ranking::RankingConfig as R;
    let ranking_config = match o.one_of(&["rankService", "llmRanker"])? {
        Some("rankService") => o.message("rankService", |o| {
            let model_name = o.get("modelName")?;
            Ok(R::RankService(ranking::RankService { model_name }))
        })?,
        _ => o.message("llmRanker", |o| {
            let model_name = o.get("modelName")?;
            Ok(R::LlmRanker(ranking::LlmRanker { model_name }))
        })?,
    };
    Ok(Ranking { ranking_config })
}

fn computer_use(o: &mut Object) -> ParseResult<ComputerUse> {
    let environment = o.word("environment", Environment::from_str_name)?;
    Ok(ComputerUse {
        environment: environment.unwrap_or_default(),
        excluded_predefined_functions: o.or_zero("excludedPredefinedFunctions")?,
    })
}

pub(super) fn config(o: &mut Object) -> ParseResult<ToolConfig> {
    Ok(ToolConfig {
        function_calling_config: o.message("functionCallingConfig", calling)?,
        retrieval_config: o.message("retrievalConfig", retrieval)?,
    })
}

fn calling(o: &mut Object) -> ParseResult<FunctionCallingConfig> {
    let mode = o.word("mode", function_calling_config::Mode::from_str_name)?;
    Ok(FunctionCallingConfig {
        mode: mode.unwrap_or_default(),
        allowed_function_names: o.or_zero("allowedFunctionNames")?,
        stream_function_call_arguments: o.or_zero("streamFunctionCallArguments")?,
    })
}

fn retrieval(o: &mut Object) -> ParseResult<RetrievalConfig> {
    let place = o.message("latLng", |o| {
        Ok(LatLng {
            latitude: o.or_zero("latitude")?,
            longitude: o.or_zero("longitude")?,
        })
    })?;
    Ok(RetrievalConfig {
        lat_lng: place,
        language_code: o.get("languageCode")?,
    })
}

/// A schema in Google's form, a subset of `OpenAPI`'s.
pub(super) fn schema(o: &mut Object) -> ParseResult<Schema> {
    Ok(Schema {
        r#type: o.word("type", Type::from_str_name)?.unwrap_or_default(),
        format: o.or_zero("format")?,
        title: o.or_zero("title")?,
        description: o.or_zero("description")?,
        nullable: o.or_zero("nullable")?,
        default: o.take("default").map(structs::value),
        items: o.message("items", schema)?.map(Box::new),
        min_items: o.int64("minItems")?,
        max_items: o.int64("maxItems")?,
        r#enum: o.or_zero("enum")?,
        properties: o.map("properties", schema)?,
        property_ordering: o.or_zero("propertyOrdering")?,
        required: o.or_zero("required")?,
        min_properties: o.int64("minProperties")?,
        max_properties: o.int64("maxProperties")?,
        minimum: o.or_zero("minimum")?,
        maximum: o.or_zero("maximum")?,
        min_length: o.int64("minLength")?,
        max_length: o.int64("maxLength")?,
        pattern: o.or_zero("pattern")?,
        example: o.take("example").map(structs::value),
        any_of: o.list("anyOf", schema)?,
        additional_properties: o.take("additionalProperties").map(structs::value),
        r#ref: o.or_zero("ref")?,
        defs: o.map("defs", schema)?,
    })
}
